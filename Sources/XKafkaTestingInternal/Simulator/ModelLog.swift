/// One log of a partition: its messages, and which of them are done.
struct ModelLog {
    /// The keys of the messages by offset; `nil` where nothing is delivered.
    private var keys: [Int?] = []
    /// What some handler has finished, or a dead letter stands for, by offset.
    private var isDone: [Bool] = []
    /// Before which offset everything is done.
    private(set) var doneEnd = 0

    mutating func append(_ key: Int?) {
        keys.append(key)
        isDone.append(key == nil)
        advance()
    }

    func done(_ offset: Int64) -> Bool { Int(offset) < isDone.count && isDone[Int(offset)] }

    mutating func markDone(_ offset: Int64) {
        isDone[Int(offset)] = true
        advance()
    }

    /// The first message of a key before `offset` that nobody has finished.
    func firstOpen(key: Int, before offset: Int64) -> Int? {
        guard doneEnd < Int(offset) else { return nil }
        return (doneEnd..<Int(offset)).first { keys[$0] == key && !isDone[$0] }
    }

    private mutating func advance() {
        while doneEnd < isDone.count, isDone[doneEnd] { doneEnd += 1 }
    }
}
