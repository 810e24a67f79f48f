/// What a debug line of librdkafka's says about a member joining its group.
///
/// No other way tells it: a member of a cooperative group keeps its partitions while it joins again, without an
/// event. Before librdkafka 2.10 it must not commit meanwhile. Brokers answer the requests of a connection one after
/// the other, so the commit waits behind the request to join, is then of a generation that has passed, and librdkafka
/// takes its refusal for the loss of the whole assignment.
package struct JoinNews: Equatable, Sendable {
    /// Whether the member joins now: its place in the group is not settled.
    package let isJoining: Bool

    /// The value for librdkafka's `debug` with which it writes these lines.
    package static let debugContext = "cgrp"

    /// Nil for lines about something else.
    package init?(_ line: LogLine) {
        // The group's name comes before, and may hold an arrow of its own.
        guard line.facility == "CGRPJOINSTATE", let arrow = line.text.ranges(of: " -> ").last else { return nil }
        let state = line.text[arrow.upperBound...].prefix { $0 != " " }
        isJoining = ["init", "wait-join", "wait-metadata", "wait-sync"].contains(state)
    }
}
