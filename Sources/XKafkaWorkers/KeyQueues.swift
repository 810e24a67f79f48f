/// A first-in-first-out queue for each key, handing out at most one element of a key at a time.
///
/// This is the order rule (R2) as a data structure: the next element of a key comes out only after
/// the previous one was finished, and a key that waits never holds up another (R4). Keys take
/// turns: one that was just served goes to the end of the line.
///
/// A key is named by a number, a good hash. Two keys with the same number merely wait for one another, so
/// no key has to be kept.
///
/// The order is kept by ``KeyLines``; this adds the elements. Inlinable, so that each user's elements are moved by
/// code made for them: what is generic across modules works through type metadata, at several times the cost. Public for
/// that reason alone, since the compiler does not specialise what is `package` for other modules; no product has this
/// module.
public struct KeyQueues<Element: Sendable>: Sendable {
    /// Names the key that an element was taken from, until it is finished.
    public typealias Ticket = KeyLines.Ticket
    /// What the worker that ended an element has to know.
    public typealias Ending = KeyLines.Ending

    @usableFromInline var lines = KeyLines()
    /// By place; `nil` only where the place is free.
    @usableFromInline var elements: [Element?] = []

    /// No keys yet.
    @inlinable public init() {}

    /// How many elements are held, those being worked on included.
    @inlinable public var count: Int { lines.count }

    /// How many keys have an element that can be taken now.
    @inlinable public var readyCount: Int { lines.readyCount }

    /// Adds an element at the end of its key's queue. Answers whether that made the key ready.
    @inlinable public mutating func append(_ element: Element, key: UInt64) -> Bool {
        let (place, becameReady) = lines.append(key: key)
        if place < elements.count {
            elements[place] = element
        } else {
            elements.append(element)
        }
        return becameReady
    }

    /// Takes the first element of the key whose turn it is; `nil` when no key is ready.
    ///
    /// The key stays busy until ``finish(_:)`` or ``park(_:as:)``.
    @inlinable public mutating func next(worker: Int) -> (element: Element, ticket: Ticket)? {
        guard let (place, ticket) = lines.next(worker: worker), let element = elements[place] else { return nil }
        return (element, ticket)
    }

    /// Removes a key's running element; its followers become ready.
    @inlinable public mutating func finish(_ ticket: Ticket) -> Ending {
        let (ending, freed) = lines.finish(ticket)
        if let freed { elements[freed] = nil }
        return ending
    }

    /// Keeps a key's running element in first place, replaced by `element`, and the key out of the
    /// line until ``unpark(_:)``.
    @inlinable public mutating func park(_ ticket: Ticket, as element: Element) -> Ending {
        let (ending, place) = lines.park(ticket)
        if let place { elements[place] = element }
        return ending
    }

    /// Puts a parked key back into the line. Answers whether it became ready: a ticket of a key
    /// that is not parked any more changes nothing (R8).
    @inlinable public mutating func unpark(_ ticket: Ticket) -> Bool {
        lines.unpark(ticket)
    }

    /// Marks running elements as cancelled and answers their workers. Whoever finishes such an
    /// element learns of it, and so never passes the cancellation on to another element.
    @inlinable public mutating func cancel(where isMeant: (Element) -> Bool) -> [Int] {
        lines.cancel { elements[$0].map(isMeant) ?? false }
    }

    /// Gives up the workers of cancelled elements that still run. Answers how many those are. Their keys
    /// stay busy until the elements end: nothing of a key overlaps (R2).
    @inlinable public mutating func giveUp(where isMeant: (Element) -> Bool) -> Int {
        lines.giveUp { elements[$0].map(isMeant) ?? false }
    }

    /// Removes the elements for which `isMeant` answers yes, except those being worked on.
    @inlinable public mutating func removeAll(where isMeant: (Element) -> Bool) -> [Element] {
        let places = lines.removeAll { elements[$0].map(isMeant) ?? false }
        return places.compactMap { place in
            defer { elements[place] = nil }
            return elements[place]
        }
    }

    /// Puts others in the place of the elements for which `replacement` has one, those being worked on included.
    @inlinable public mutating func replace(_ replacement: (Element) -> Element?) {
        for place in elements.indices {
            if let element = elements[place], let other = replacement(element) { elements[place] = other }
        }
    }

    // MARK: Inspection

    /// Whether the element that the ticket was given for still is its key's first.
    @inlinable public func isInUse(_ ticket: Ticket) -> Bool { lines.isInUse(ticket) }

    /// A ticket of any key whose first element stands like this.
    @inlinable public func ticket(ofAny standing: KeyLines.Standing) -> Ticket? { lines.ticket(ofAny: standing) }

    /// Calls `body` with the first element of every key.
    @inlinable public func forEachFirst(_ body: (Element, KeyLines.Standing) -> Void) {
        lines.forEachFirst { place, standing in
            if let element = elements[place] { body(element, standing) }
        }
    }

    /// An element for which `isMeant` answers yes, with the first one of its key and how that stands.
    @inlinable public func find(
        where isMeant: (Element) -> Bool
    ) -> (element: Element, first: Element, isFirst: Bool, standing: KeyLines.Standing)? {
        let found = lines.find { elements[$0].map(isMeant) ?? false }
        guard let found, let element = elements[found.place], let first = elements[found.first] else { return nil }
        return (element, first, found.place == found.first, found.standing)
    }
}
