#if SimulatedDefects
    import XKafkaOffsets
#endif

/// In which steps what has arrived of a partition is taken in, given that its log may have been reset in between.
///
/// Offsets go up within a log. When they do not, the topic was made anew, or its log was cut: from there on the offsets
/// mean other messages, and the messages before belong to the earlier assignment of the log. So what comes before a reset
/// is handed over before the partition starts anew.
package enum IntakePlan {
    /// What may arrive.
    package enum Arrival: Sendable {
        case message(offset: Int64)
        /// The partition was read to its end.
        case end(offset: Int64)
        case failure
    }

    package enum Step: Sendable, Equatable {
        /// The messages of these places are handed over, together.
        case handOver(Range<Int>)
        /// What is at this place is no message.
        case note(Int)
        /// The log was reset after its message at this offset.
        case restart(after: Int64)
    }

    /// The steps for `count` arrivals.
    ///
    /// - Parameter lastOffset: the offset of the last message that was taken before, or -1; afterwards that of the last one
    ///   of these, or of the end that was reached.
    package static func steps(
        for count: Int,
        after lastOffset: inout Int64,
        _ arrival: (Int) -> Arrival
    ) -> [Step] {
        var steps: [Step] = []
        var start = 0
        func handOver(before index: Int) {
            if start < index { steps.append(.handOver(start..<index)) }
            start = index
        }
        for index in 0..<count {
            switch arrival(index) {
            case .message(let offset):
                if offset <= lastOffset {
                    #if SimulatedDefects
                        if !SimulatedDefect.messagesBeforeAResetAreTakenForLaterOnes.isOn { handOver(before: index) }
                        if !SimulatedDefect.resetsAreNotNoticed.isOn { steps.append(.restart(after: lastOffset)) }
                    #else
                        handOver(before: index)
                        steps.append(.restart(after: lastOffset))
                    #endif
                }
                lastOffset = offset
            case .end(let offset):
                // In the order of the log: the end of a partition says something about what lies before it.
                handOver(before: index)
                steps.append(.note(index))
                start = index + 1
                // A message below the end is one of another log.
                lastOffset = max(lastOffset, offset - 1)
            case .failure:
                handOver(before: index)
                steps.append(.note(index))
                start = index + 1
            }
        }
        handOver(before: count)
        return steps
    }
}
