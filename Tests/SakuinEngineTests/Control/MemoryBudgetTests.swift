import Testing

@testable import SakuinEngine

@Suite struct MemoryBudgetTests {
    @Test func searchesKeepTheirShare() throws {
        let budget = MemoryBudget(byteCountMax: 800)
        budget.change(by: 690)
        #expect(!budget.isTight)
        budget.change(by: 20)
        #expect(budget.isTight)
        // Over the whole, and still the last eighth is theirs.
        budget.change(by: 200)
        #expect(budget.takeForSearch(60))
        #expect(!budget.takeForSearch(60))
        budget.giveBackFromSearch(60)
        #expect(budget.takeForSearch(100))
        budget.giveBackFromSearch(100)
        budget.change(by: -910)
        #expect(budget.takeForSearch(800))
        #expect(!budget.takeForSearch(1))
        budget.giveBackFromSearch(800)
        #expect(budget.used == 0)
    }

    @Test func aMergeThatIsAloneAlwaysRuns() throws {
        let budget = MemoryBudget(byteCountMax: 800)
        try budget.takeForMerge(10_000) { () throws(StorageError) in }
        var looks = 0
        #expect(throws: StorageError.cancelled) {
            try budget.takeForMerge(1) { () throws(StorageError) in
                looks += 1
                if looks == 2 { throw .cancelled }
            }
        }
        budget.giveBackFromMerge(10_000)
        try budget.takeForMerge(1) { () throws(StorageError) in }
        try budget.takeForMerge(600) { () throws(StorageError) in }
        budget.giveBackFromMerge(600)
        budget.giveBackFromMerge(1)
        #expect(budget.used == 0)
    }

    @Test func aHoldEndsWithItsObject() {
        let budget = MemoryBudget(byteCountMax: 800)
        var hold: MemoryHold? = MemoryHold(budget, 70)
        withExtendedLifetime(hold) { #expect(budget.used == 70) }
        hold = nil
        #expect(hold == nil && budget.used == 0)
    }
}
