import Synchronization

/// An object that is made when it is first needed, and then kept.
///
/// Not an `AtomicLazyReference`, whose `load` is not specialised and takes longer than a lock.
struct OnceReference<Object: AnyObject & Sendable>: ~Copyable, Sendable {
    private let known = Atomic<Unmanaged<Object>?>(nil)

    deinit {
        known.load(ordering: .acquiring)?.release()
    }

    /// Calls `body` with the object, made with `make` if there is none yet, and without counting a reference.
    func with<Result>(_ make: () throws -> Object, _ body: (Object) throws -> Result) throws -> Result {
        guard let object = known.load(ordering: .acquiring) else { return try body(try get(make)) }
        return try object._withUnsafeGuaranteedRef { try body($0) }
    }

    /// The object, made with `make` if there is none yet. When several make one, the first is kept.
    func get(_ make: () throws -> Object) rethrows -> Object {
        if let object = known.load(ordering: .acquiring) { return object.takeUnretainedValue() }
        let own = Unmanaged.passRetained(try make())
        let (isFirst, other) = known.compareExchange(expected: nil, desired: own, ordering: .acquiringAndReleasing)
        guard !isFirst, let other else { return own.takeUnretainedValue() }
        own.release()
        return other.takeUnretainedValue()
    }
}
