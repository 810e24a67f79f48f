import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// What happens in a chaos run, and when: follows from the seed alone, so that the seed repeats it.
struct ChaosSchedule: Sendable {
    enum Action: Sendable, Hashable, CustomStringConvertible {
        /// A member starts, ends in an orderly way, or is killed.
        case join(Int), leave(Int), kill(Int)
        /// A member stands still (`SIGSTOP`) for a while.
        case freeze(Int), thaw(Int)
        /// Something goes wrong with the brokers, or is mended.
        case fault(Fault), mend(Fault)

        var description: String {
            switch self {
            case .join(let member): "member \(member) joins"
            case .leave(let member): "member \(member) leaves"
            case .kill(let member): "member \(member) is killed"
            case .freeze(let member): "member \(member) stands still"
            case .thaw(let member): "member \(member) goes on"
            case .fault(let fault), .mend(let fault): "\(fault)"
            }
        }
    }

    struct Entry: Sendable {
        let time: Duration
        let action: Action
    }

    /// The members that are there from the start on, `0..<firstMembers`.
    static let firstMembers = 2
    static let brokers = 3
    static let topic = "orders"
    static let partitions = 6
    static let group = "billing"
    /// No member stands still for longer. Longer than the session timeout, so that some lose their partitions.
    static let longestFreeze = 6_000
    /// No broker is away or slow for longer.
    static let longestFault = 1_500

    /// In the order of their times.
    let entries: [Entry]

    init(seed: UInt64, length: Duration) {
        var draft = Draft(seed: seed, length: length)
        draft.moveMembers()
        draft.breakBrokers()
        entries = draft.entries.enumerated()
            .sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
            .map(\.element)
    }

    func count(_ isMeant: (Action) -> Bool) -> Int { entries.count { isMeant($0.action) } }

    var text: String { entries.map { "  \($0.time): \($0.action)" }.joined(separator: "\n") }
}

/// The schedule while it is made up.
private struct Draft {
    private enum Move {
        case join, leave, kill, freeze
        /// A heartbeat is answered with: join anew, or: you are no member.
        case rebalance, lose
    }

    private enum Trouble: CaseIterable {
        case down, slow
        case fetchFails, produceFails, commitFails
        case fetchDisconnects, produceDisconnects, commitDisconnects
        case leaderMoves, coordinatorMoves
    }

    var entries: [ChaosSchedule.Entry] = []
    private var random: SeededGenerator
    private let length: Duration

    init(seed: UInt64, length: Duration) {
        random = SeededGenerator(seed: seed)
        self.length = length
    }

    private mutating func milliseconds(_ range: ClosedRange<Int>) -> Duration {
        .milliseconds(Int.random(in: range, using: &random))
    }

    private mutating func add(_ time: Duration, _ action: ChaosSchedule.Action) {
        entries.append(.init(time: min(time, length), action: action))
    }

    // MARK: Members

    mutating func moveMembers() {
        // The first ones whatever the seed, so that a short run has them too.
        var deck: [Move] = [.join] + [.kill, .leave].shuffled(using: &random)
        var next = ChaosSchedule.firstMembers
        var busy = Array(0..<next)
        var thawTimes: [(member: Int, time: Duration)] = []
        var time = milliseconds(300...1_000)
        while time < length {
            for thaw in thawTimes where thaw.time <= time { busy.append(thaw.member) }
            thawTimes.removeAll { $0.time <= time }
            if deck.isEmpty {
                deck = [.join, .join, .leave, .kill, .kill, .freeze, .rebalance, .lose].shuffled(using: &random)
            }
            var move = deck.removeFirst()
            // There are never fewer than one that works, and never more than four.
            if busy.count < 2, move == .leave || move == .kill || move == .freeze { move = .join }
            if busy.count > 3, move == .join { move = .kill }
            switch move {
            case .join:
                add(time, .join(next))
                busy.append(next)
                next += 1
            case .leave: add(time, .leave(takeOne(of: &busy)))
            case .kill: add(time, .kill(takeOne(of: &busy)))
            case .freeze:
                let member = takeOne(of: &busy)
                let end = min(length, time + milliseconds(500...ChaosSchedule.longestFreeze))
                add(time, .freeze(member))
                add(end, .thaw(member))
                thawTimes.append((member, end))
            case .rebalance: add(time, .fault(.fail(.heartbeat, with: .rebalanceInProgress)))
            case .lose: add(time, .fault(.fail(.heartbeat, with: .unknownMember)))
            }
            // The embedded broker takes about ten seconds over each: with less between them partitions would be without an
            // owner for as long as members move, and the group would hardly work.
            time += milliseconds(time < .seconds(4) ? 1_200...2_200 : 9_000...14_000)
        }
    }

    private mutating func takeOne(of members: inout [Int]) -> Int {
        members.remove(at: Int.random(in: 0..<members.count, using: &random))
    }

    // MARK: Brokers

    mutating func breakBrokers() {
        var deck: [Trouble] = []
        var time = milliseconds(200...800)
        while time < length {
            if deck.isEmpty { deck = Trouble.allCases.shuffled(using: &random) }
            let trouble = deck.removeFirst()
            let end = time + milliseconds(200...ChaosSchedule.longestFault)
            add(trouble, time, until: end)
            // One broker at a time is down.
            time = (trouble == .down ? end : time) + milliseconds(200...900)
        }
        // What nobody has met by then.
        for kind in [RequestKind.fetch, .produce, .offsetCommit, .heartbeat] { add(length, .mend(.recover(kind))) }
    }

    private mutating func add(_ trouble: Trouble, _ time: Duration, until end: Duration) {
        let broker = Int.random(in: 1...ChaosSchedule.brokers, using: &random)
        let times = Int.random(in: 1...3, using: &random)
        let partition = Int32.random(in: 0..<Int32(ChaosSchedule.partitions), using: &random)
        switch trouble {
        case .down:
            add(time, .fault(.brokerDown(broker)))
            add(end, .mend(.brokerUp(broker)))
        case .slow:
            add(time, .fault(.roundTripTime(milliseconds(20...150), broker: broker)))
            add(end, .mend(.roundTripTime(.zero, broker: broker)))
        case .fetchFails:
            let codes: [KafkaError.Code] = [.notLeaderForPartition, .leaderNotAvailable, .requestTimedOut]
            add(time, .fault(.fail(.fetch, with: pick(codes), times: times)))
        case .produceFails:
            let codes: [KafkaError.Code] = [.notLeaderForPartition, .notEnoughReplicas, .leaderNotAvailable]
            add(time, .fault(.fail(.produce, with: pick(codes), times: times)))
        case .commitFails:
            let codes: [KafkaError.Code] = [.coordinatorLoadInProgress, .notCoordinator, .requestTimedOut]
            add(time, .fault(.fail(.offsetCommit, with: pick(codes), times: times)))
        case .fetchDisconnects: add(time, .fault(.disconnect(.fetch, times: times)))
        case .produceDisconnects: add(time, .fault(.disconnect(.produce, times: times)))
        case .commitDisconnects: add(time, .fault(.disconnect(.offsetCommit, times: times)))
        case .leaderMoves:
            let moved = TopicPartition(topic: ChaosSchedule.topic, partition: partition)
            add(time, .fault(.moveLeader(of: moved, to: broker)))
        case .coordinatorMoves: add(time, .fault(.moveCoordinator(ofGroup: ChaosSchedule.group, to: broker)))
        }
    }

    private mutating func pick(_ codes: [KafkaError.Code]) -> KafkaError.Code {
        codes[Int.random(in: 0..<codes.count, using: &random)]
    }
}
