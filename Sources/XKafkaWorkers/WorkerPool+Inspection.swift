public import Synchronization

/// Looking at a pool while it works. One shard after the other is locked, for as long as it takes to look at its keys;
/// the pool as a whole is never seen at one moment.
extension WorkerPool {
    /// What a shard holds.
    public struct Occupancy: Sendable {
        /// How many elements there are, those being worked on included.
        public let elements: Int
        /// How many keys have an element that a worker can take.
        public let readyKeys: Int

        @inlinable init(elements: Int, readyKeys: Int) {
            self.elements = elements
            self.readyKeys = readyKeys
        }
    }

    /// An element, and what it waits for.
    public struct Found: Sendable {
        /// The element.
        public let element: Element
        /// The element that its key's turn is at: itself, or one before it.
        public let first: Element
        /// Whether it is its key's turn.
        public let isFirst: Bool
        /// How ``first`` stands.
        public let standing: KeyLines.Standing

        @inlinable init(_ element: Element, first: Element, isFirst: Bool, standing: KeyLines.Standing) {
            self.element = element
            self.first = first
            self.isFirst = isFirst
            self.standing = standing
        }
    }

    /// What each shard holds. Calls `body` with the first element of each key that is queued, and with the one that is
    /// worked on in a run, while its shard is locked.
    @inlinable public func inspect(
        _ body: (_ shard: Int, _ first: Element, KeyLines.Standing) -> Void
    ) -> [Occupancy] {
        shards.indices.map { index in
            shards[index].queues.withLock { queues in
                queues.forEachFirst { element, standing in body(index, element, standing) }
                return Occupancy(elements: queues.count, readyKeys: queues.readyCount)
            }
        }
    }

    /// An element for which `isMeant` answers yes; it is called while a shard is locked.
    @inlinable public func find(where isMeant: (Element) -> Bool) -> Found? {
        for shard in shards.indices {
            let found = withKeys(of: shard) { keys -> Found? in
                guard let found = keys.find(where: isMeant) else { return nil }
                return Found(found.element, first: found.first, isFirst: found.isFirst, standing: found.standing)
            }
            if let found { return found }
        }
        return nil
    }
}
