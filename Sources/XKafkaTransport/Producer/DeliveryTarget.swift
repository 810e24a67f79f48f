/// What a message that is sent many a time a second refers to: handed to librdkafka as it is and back
/// with the report, without an allocation of its own.
///
/// `@unchecked Sendable`: has no state that changes; a subclass says for itself why it is safe to share.
open class DeliveryTarget: @unchecked Sendable {
    /// Who is told of this message alone; `nil` when reports are passed on in batches.
    let receiver: (any DeliveryReceiver)?

    /// What is told of in batches.
    public init() {
        receiver = nil
    }

    /// Carries a receiver through librdkafka.
    init(telling receiver: any DeliveryReceiver) {
        self.receiver = receiver
    }
}

/// A report and the message it is about.
package struct Delivered: Sendable {
    package let target: DeliveryTarget
    package let report: DeliveryReport
}
