/// What follows from an attempt that failed: the part of retrying that consuming and producing share.
///
/// A value without a clock; who asks carries it out and tells about it.
package struct RetryDecision: Sendable, Equatable {
    /// Whether the same is tried again after a pause. Otherwise the policy's own end comes now.
    package let willRetry: Bool
    /// Whether the attempts allowed are used up.
    package let isExhausted: Bool
    /// Whether this is the attempt that used them up: that is told once.
    package let isNewlyExhausted: Bool
}

extension RetryConfig {
    /// Decides what follows when attempt number `attempt`, counted from 1, failed.
    ///
    /// - Parameters:
    ///   - isPermanent: trying again is of no use, so no attempt is left.
    ///   - wasExhausted: an earlier attempt had used up what is allowed.
    ///   - blocks: the policy is to go on trying nevertheless.
    package func decide(
        afterAttempt attempt: Int,
        isPermanent: Bool,
        wasExhausted: Bool,
        blocks: Bool
    ) -> RetryDecision {
        let isExhausted = wasExhausted || isPermanent || self.isExhausted(afterAttempt: attempt)
        return RetryDecision(
            willRetry: blocks || !isExhausted,
            isExhausted: isExhausted,
            isNewlyExhausted: isExhausted && !wasExhausted
        )
    }
}
