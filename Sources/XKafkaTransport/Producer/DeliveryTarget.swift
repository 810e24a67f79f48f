/// What a message that is sent many a time a second refers to: handed to librdkafka as it is and back
/// with the report, without an allocation of its own.
///
/// `@unchecked Sendable`: has no state; a subclass says for itself why it is safe to share.
open class DeliveryTarget: @unchecked Sendable {
    /// A target that nobody else has.
    public init() {}
}

/// Is told what became of one message, exactly once, on the producer's thread. It must return at
/// once.
package protocol DeliveryReceiver: AnyObject, Sendable {
    func receive(_ report: DeliveryReport)
}

/// Carries a receiver, which is told of its message alone, through librdkafka.
///
/// `@unchecked Sendable`, as its superclass has it: what it adds never changes.
final class ReceiverTarget: DeliveryTarget, @unchecked Sendable {
    let receiver: any DeliveryReceiver

    init(telling receiver: any DeliveryReceiver) {
        self.receiver = receiver
    }
}

/// A report and the message it is about.
package struct Delivered: Sendable {
    package let target: DeliveryTarget
    package let report: DeliveryReport
}
