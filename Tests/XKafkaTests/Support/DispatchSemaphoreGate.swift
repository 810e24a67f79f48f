import Dispatch
import XKafkaCore

/// Lets a thread that may block wait for a one-shot.
struct DispatchSemaphoreGate {
    private let semaphore = DispatchSemaphore(value: 0)

    init(_ shot: OneShot<Void>) {
        let semaphore = semaphore
        Task {
            await shot.waitIgnoringCancellation()
            semaphore.signal()
        }
    }

    func wait() {
        semaphore.wait()
    }
}
