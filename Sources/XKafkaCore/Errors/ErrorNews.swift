/// Tells news from repetition: librdkafka reports the same trouble again and again for as long as it lasts,
/// in slightly different words.
///
/// An error is news when nothing like it was reported for ``quietTime``. A value without a clock.
package struct ErrorNews: Sendable {
    private struct Kind: Hashable {
        let code: KafkaError.Code
        /// What a broker says names the topic or group it is about. librdkafka's own words about
        /// connections hold times and counts, which make no other error of it.
        let text: String?
    }

    /// How long trouble has to be gone before it is news again.
    package static let quietTime = Duration.seconds(300)

    /// What was reported, and when last. Bounded: forgotten when it is no repetition any more.
    private var known: [Kind: ContinuousClock.Instant] = [:]

    package init() {}

    /// Notes that `error` was reported. Answers whether it is news.
    package mutating func note(_ error: KafkaError, at now: ContinuousClock.Instant) -> Bool {
        known = known.filter { now - $0.value < Self.quietTime }
        let kind = Kind(code: error.code, text: error.code.rawValue > 0 ? error.text : nil)
        return known.updateValue(now, forKey: kind) == nil
    }
}
