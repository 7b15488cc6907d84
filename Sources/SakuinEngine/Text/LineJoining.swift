/// Which blanks and line breaks vanish: the state between two units, and the breaks policies of DESIGN §3.
struct LineJoining {
    /// Class of the last unit; `CharacterTable.Class.gone` before the first.
    private(set) var before = CharacterTable.Class.gone
    /// What has stood since: nothing, blanks that may vanish, or a separator.
    private(set) var between = Between.nothing
    private var lineBreaks = 0
    private var lastWasReturn = false
    private let breaks: BreaksPolicy

    enum Between: UInt8 {
        case nothing
        case blank
        case separator
    }

    init(_ breaks: BreaksPolicy) { self.breaks = breaks }

    /// A blank or line break; `scalar` after folding.
    @inline(__always)
    mutating func blank(_ kind: UInt32, _ scalar: UInt32) {
        if kind == CharacterTable.Class.lineBreak {
            // CR LF is one line break.
            if !(scalar == 0x0A && lastWasReturn) { lineBreaks &+= 1 }
            lastWasReturn = scalar == 0x0D
        } else {
            lastWasReturn = false
        }
        if between == .separator { return }
        let isHard = breaks == .strict || (breaks == .soft && lineBreaks >= 2)
        between = isHard ? .separator : .blank
    }

    @inline(__always)
    mutating func separator() {
        between = .separator
        lineBreaks = 0
        lastWasReturn = false
    }

    /// A unit of class `kind` (word, cjk or hangul) follows: whether a gap stands before it.
    @inline(__always)
    mutating func unit(_ kind: UInt32) -> Bool {
        let old = before
        before = kind
        if between == .nothing { return false }
        let wasSeparator = between == .separator
        between = .nothing
        lineBreaks = 0
        lastWasReturn = false
        if old == CharacterTable.Class.gone { return false }
        return wasSeparator || (old == kind && kind != CharacterTable.Class.cjk)
    }
}
