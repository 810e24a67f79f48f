import Dispatch

/// Runs a body that blocks for its whole life, off the threads that Swift's tasks share.
package enum DedicatedThread {
    /// Starts `body`. A serial queue of its own has a thread of its own while it is busy.
    package static func start(_ name: String, _ body: @escaping @Sendable () -> Void) {
        DispatchQueue(label: name).async(execute: body)
    }
}
