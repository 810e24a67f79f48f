import XKafkaEngine

extension MicroBench {
    private final class Message: Sendable {}

    private struct Producing {
        static let count = 1_000

        var machine: LaneMachine
        let domains: [UInt64?]
        let message = Message()
        var tickets: [LaneTicket] = []

        /// `domains` are what the messages in flight keep their order with, in turn.
        init(isSerial: Bool, domains: [UInt64?]) {
            machine = LaneMachine(lanes: 1, maxInFlight: Self.count, isSerial: isSerial)
            self.domains = domains
            tickets.reserveCapacity(Self.count)
        }

        /// Hands in a thousand messages, which are sent at once, then reports all of them as delivered.
        mutating func play() {
            tickets.removeAll(keepingCapacity: true)
            for number in 0..<Self.count { submit(number, isSentAtOnce: true) }
            var effects = LaneMachine.Effects()
            for ticket in tickets { machine.delivered(message, ticket, partition: 0, &effects) }
        }

        /// The same of messages with handlers: each step by itself.
        mutating func playSteps() {
            tickets.removeAll(keepingCapacity: true)
            var effects = LaneMachine.Effects()
            for number in 0..<Self.count {
                submit(number, isSentAtOnce: false)
                if let ticket = tickets.last { machine.sent(ticket, &effects) }
            }
            for ticket in tickets { machine.acknowledged(ticket, partition: 0, &effects) }
            for ticket in tickets { machine.end(message, ticket, &effects) }
        }

        private mutating func submit(_ number: Int, isSentAtOnce: Bool) {
            let submission = machine.submit(
                message,
                lane: 0,
                domain: domains[number % domains.count],
                isSentAtOnce: isSentAtOnce,
                mayQueue: true
            )
            if case .started(let ticket) = submission { tickets.append(ticket) }
        }
    }

    /// An operation is a message, from its submission to its end; a thousand are under way.
    func measureLanes() {
        let keys: [UInt64?] = (0..<100).map(hash)
        let shapes: [(String, Bool, [UInt64?], Double)] = [
            ("serial", true, [0], 7), ("100 keys", false, keys, 4), ("parallel", false, [nil], 1.5),
        ]
        let rounds = rounds(1_000)
        for (name, isSerial, domains, limit) in shapes {
            measure("lane: submitted, delivered, \(name)", operations: rounds * Producing.count, atMost: limit) {
                Producing(isSerial: isSerial, domains: domains)
            } _: { producing in
                for _ in 0..<rounds { producing.play() }
            }
        }
        measure(
            "lane: submitted, sent, acknowledged, ended, 100 keys",
            operations: rounds * Producing.count,
            atMost: 7
        ) {
            Producing(isSerial: false, domains: keys)
        } _: { producing in
            for _ in 0..<rounds { producing.playSteps() }
        }
    }
}
