import Synchronization
import XKafkaTransport

/// Whether a consumer takes messages. Switched by the user, at any time.
final class IntakeSwitch: Sendable {
    private let isOff = Atomic<Bool>(false)
    /// Wakes the consumer thread.
    let signal = WakeSignal()

    var isPaused: Bool { isOff.load(ordering: .acquiring) }

    func set(paused: Bool) {
        isOff.store(paused, ordering: .releasing)
        signal.raise()
    }
}
