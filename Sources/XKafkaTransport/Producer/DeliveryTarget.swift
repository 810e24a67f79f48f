import CKafka

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

/// Tells the receivers of messages that were sent with one.
package let tellReceivers: @Sendable ([Delivered]) -> Void = { batch in
    for delivered in batch {
        (delivered.target as? ReceiverTarget)?.receiver.receive(delivered.report)
    }
}

/// A report and the message it is about. To be looked at where it was handed over, and not to be kept.
///
/// Its references are not counted when it is copied: that would write into the target, which another thread had last, for
/// nothing.
///
/// `@unchecked Sendable`: the client owns both objects, and lets go of them when all were told.
package struct Delivered: @unchecked Sendable {
    private let targetReference: Unmanaged<DeliveryTarget>
    private let failureReference: Unmanaged<DeliveryReport.Failure>?
    package let receipt: DeliveryReceipt

    /// Takes over the reference to its target that librdkafka has.
    init(_ message: UnsafePointer<rd_kafka_message_t>, _ target: Unmanaged<DeliveryTarget>) {
        let report = DeliveryReport(message)
        targetReference = target
        failureReference = report.failure.map { Unmanaged.passRetained($0) }
        receipt = report.receipt
    }

    /// Lets go of what the client had of it. Answers the target if nobody else has it, to be freed elsewhere.
    func release() -> DeliveryTarget? {
        failureReference?.release()
        var target = targetReference.takeRetainedValue()
        return isKnownUniquelyReferenced(&target) ? target : nil
    }

    package var target: DeliveryTarget { targetReference.takeUnretainedValue() }
    package var isSuccess: Bool { failureReference == nil }
    package var failure: DeliveryReport.Failure? { failureReference?.takeUnretainedValue() }
    package var report: DeliveryReport { DeliveryReport(receipt, failure) }

    /// Calls `body` with the target, without counting a reference.
    package func withTarget<Result>(_ body: (DeliveryTarget) -> Result) -> Result {
        targetReference._withUnsafeGuaranteedRef { body($0) }
    }
}
