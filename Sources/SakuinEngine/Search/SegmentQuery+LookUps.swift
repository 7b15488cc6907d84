// What the dictionaries of a segment have of single tokens, as they are written.

extension SegmentQuery {
    /// The key of a term that is a gram.
    @inline(__always)
    private func gramKey(_ term: PlanTerm, _ phrase: PhrasePlan) -> UInt64? {
        let field = phrase.field
        return switch term {
        case .character(let c): GramKey.make(field: field, kind: .character, c)
        case .edge(let c), .head(let c), .tail(let c): GramKey.make(field: field, kind: kindOfEdge(c, phrase), c)
        case .unit(let c): GramKey.make(field: field, kind: .unit, c)
        case .bigram(let a, let b): GramKey.make(field: field, kind: .bigram, a, b)
        case .word, .pair, .prefix, .pairPrefix: nil
        }
    }

    /// Whether a token of a phrase has no occurrences here.
    @inline(__always)
    func isUnknown(_ term: PlanTerm, _ phrase: PhrasePlan) -> Bool { isRead(phrase) && term.needsEdges }

    /// The list that a character beside a gap has here.
    func kindOfEdge(_ scalar: UInt32, _ phrase: PhrasePlan) -> GramKey.Kind {
        isUnknown(.edge(scalar), phrase) ? .character : .edge
    }

    /// What the dictionary has of a token, with what weighs its phrase if that is another list.
    @inline(__always)
    func findWeighted(
        _ term: PlanTerm, _ phrase: PhrasePlan, inBlock block: Int?
    ) throws(SearchError) -> LookedUpToken {
        var found = try find(term, phrase, inBlock: block)
        if phrase.scores, case .edge(let scalar) = term, !isUnknown(term, phrase) {
            found.characterFrequency = try find(.character(scalar), phrase, inBlock: nil).documentFrequency
        }
        return found
    }

    /// When several tokens are looked up, finds the dictionary block of each gram, by its place in the plan, so that
    /// their memory comes at once and not one after another; nil where none is known.
    func prefetchGrams() -> UnsafeMutablePointer<Int?>? {
        guard plan.tokens.count > 1 else { return nil }
        let blocks = scratch.take(Int?.self, plan.tokens.count)
        for phrase in plan.phrases {
            for place in proof(of: phrase).tokens {
                let key = phrase.variants.isEmpty ? gramKey(plan.tokens[place].term, phrase) : nil
                blocks[place] = key.flatMap { grams.prefetchBlock(of: $0) }
            }
        }
        return blocks
    }

    func find(
        _ term: PlanTerm, _ phrase: PhrasePlan, inBlock block: Int?
    ) throws(SearchError) -> LookedUpToken {
        do throws(StorageError) {
            let field = phrase.field
            if !phrase.variants.isEmpty { return try find(term, ofVariants: phrase) }
            switch term {
            case .character, .edge, .head, .tail, .unit, .bigram:
                guard let key = gramKey(term, phrase) else { return token([]) }
                return try gram(key, inBlock: block)
            case .word(let place): return try word(plan.words[place], nil, field)
            case .pair(let neighbour, let place): return try word(plan.words[Int(place)], neighbour, field)
            case .prefix(let place): return try prefix(plan.words[place], nil, field)
            case .pairPrefix(let neighbour, let place):
                return try prefix(plan.words[Int(place)], neighbour, field)
            }
        } catch .cancelled {
            let sought = phrase.variants.isEmpty ? "The prefix" : "The text, with its variants,"
            throw .refused(
                .invalid(
                    "\(sought) stands for more than \(Self.expansionMax) words.", field: "query",
                    limit: Self.expansionMax, nextStep: "Write more of the word."))
        } catch {
            throw .storage(error)
        }
    }

    /// A word, or with a neighbour the pair.
    private func word(
        _ word: [UInt8], _ neighbour: WordNeighbour?, _ field: Int
    ) throws(StorageError) -> LookedUpToken {
        let key = word.withUnsafeBytes { word in
            let count = WordDictionaryWriter.keyByteCount(neighbour, word)
            let key = scratch.take(UInt8.self, count)
            WordDictionaryWriter.writeKey(field: field, neighbour, word, to: key)
            return UnsafeRawBufferPointer(start: key, count: count)
        }
        return token(try segment.words.find(key).map { FoundTerm(info: $0, neighbour: neighbour?.scalar ?? 0) })
    }

    private func prefix(
        _ bytes: [UInt8], _ neighbour: WordNeighbour?, _ field: Int
    ) throws(StorageError) -> LookedUpToken {
        let key = bytes.withUnsafeBytes { WordDictionaryWriter.key(field: field, neighbour, $0) }
        var found: [FoundTerm] = []
        try appendTerms(withPrefix: key, neighbour, to: &found)
        return token(found)
    }

    /// Appends the words, or pairs, whose keys begin so. Throws `cancelled` when there are more than `expansionMax`.
    func appendTerms(
        withPrefix key: [UInt8], _ neighbour: WordNeighbour?, to found: inout [FoundTerm]
    ) throws(StorageError) {
        var terms: [FoundTerm] = []
        let room = Self.expansionMax - found.count
        try segment.words.withPrefix(key) { (_, info) throws(StorageError) in
            terms.append(FoundTerm(info: info, neighbour: neighbour?.scalar ?? 0))
            return terms.count <= room
        }
        guard terms.count <= room else { throw .cancelled }
        found += terms
    }

    /// A gram, in its block if that is known.
    func gram(_ key: UInt64, inBlock block: Int?) throws(StorageError) -> LookedUpToken {
        let terms = scratch.take(FoundTerm.self, 1)
        terms.initialize(to: FoundTerm(info: TermInfo(), gram: key))
        guard try grams.find(key, inBlock: block, into: &terms[0].info) else {
            return LookedUpToken(terms: terms, count: 0)
        }
        lists.list(terms[0].info)
        return LookedUpToken(terms: terms, count: 1)
    }

    /// Looks the characters up whose lists the ranked grams among some tokens need, so that opening one list after another
    /// need not wait for each.
    func findBases(
        _ tokens: UnsafeMutablePointer<LookedUpToken>, _ places: UnsafeBufferPointer<Int>
    ) throws(StorageError) {
        let blocks = scratch.take(Int?.self, places.count)
        var info = TermInfo()
        for (k, place) in places.enumerated() {
            blocks[k] = nil
            guard tokens[place].count == 1, needsBase(tokens[place].terms[0]) else { continue }
            let key = GramKey.character(of: tokens[place].terms[0].gram)
            if grams.findCharacter(key, into: &info) {
                setBase(of: &tokens[place].terms[0], info)
            } else {
                blocks[k] = grams.prefetchBlock(of: key)
            }
        }
        for (k, place) in places.enumerated() {
            // A token that comes again has it by now.
            guard let block = blocks[k], needsBase(tokens[place].terms[0]) else { continue }
            let key = GramKey.character(of: tokens[place].terms[0].gram)
            if try grams.find(key, inBlock: block, into: &info) { setBase(of: &tokens[place].terms[0], info) }
        }
    }

    private func setBase(of term: inout FoundTerm, _ info: TermInfo) {
        let base = scratch.take(TermInfo.self, 1)
        base.initialize(to: info)
        lists.list(info)
        term.base = base
    }

    private func needsBase(_ term: FoundTerm) -> Bool { term.info.isRanked && term.base == nil }

    private func token(_ term: FoundTerm?) -> LookedUpToken {
        let found = LookedUpToken(terms: scratch.take(FoundTerm.self, 1), count: term == nil ? 0 : 1)
        if let term { found.terms[0] = term }
        return found
    }

    func token(_ terms: [FoundTerm]) -> LookedUpToken {
        let found = LookedUpToken(terms: scratch.take(FoundTerm.self, terms.count), count: terms.count)
        for (i, term) in terms.enumerated() { found.terms[i] = term }
        return found
    }
}
