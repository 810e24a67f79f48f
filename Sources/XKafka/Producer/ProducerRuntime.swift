import Logging
import Synchronization
import XKafkaCore
import XKafkaEngine
import XKafkaProduce
import XKafkaTransport
import XKafkaWorkers

/// What a ``Producer`` is made of: the shell around its lanes' ``LaneMachine``, librdkafka's producer, and one task for
/// each message that has handlers or was not delivered at the first attempt.
///
/// A message without handlers whose turn it is goes to librdkafka on its caller's task, and its outcome is
/// told by the thread that serves the delivery reports, many at a time: no task and no closure of its own.
final class ProducerRuntime: Sendable {
    /// How far its end has come.
    struct Life: Sendable {
        var hasCloseBegun = false
        /// Why nothing is waited for any more.
        var abortion: (any Error)?
    }

    enum Connection {
        case idle
        case open(ProducerClient)
        case ended
    }

    let config: ProducerConfig
    let transport: (any ProduceTransport)?
    let rules: ProduceRetryRules
    /// `nil` when messages leave no line.
    let log: ProduceLog?
    let life = Mutex(Life())
    let lanes: ProducerLanes
    let flush = ProducerFlush()
    let connection = Mutex(Connection.idle)
    /// `nil` when they are off.
    let metrics: ProducerMetrics?
    let watch = Mutex(ProducerWatch())
    /// Whether ``watch`` says that no broker can be reached.
    let areBrokersDown = Atomic<Bool>(false)
    /// Bounds what is under way in total.
    let gate: CreditGate
    let closed = OneShot<Void>()
    /// Nothing can be sent any more: it was closed, or met this fatal error.
    let over = OneShot<(any Error)?>()
    let order: ProducerOrder
    private let routes: Mutex<[String: ProduceRoute]> = Mutex([:])
    private let defaultRoute = OnceReference<ProduceRoute>()
    private let nextLane = Atomic<UInt>(0)
    /// Whether something runs for each message that is a matter of the caller's task-local values.
    private let needsTask: Bool

    init(_ config: ProducerConfig, transport: (any ProduceTransport)?) {
        self.config = config
        self.transport = transport
        order = config.dispatch.order
        metrics = config.metrics.map { ProducerMetrics($0) }
        rules = ProduceRetryRules(
            config.retry,
            policy: config.exhaustedPolicy,
            hook: config.failureHook,
            logger: config.logger
        )
        log = config.logsMessages ? ProduceLog(config.logger, successLevel: config.successLogLevel) : nil
        needsTask = config.failureHook != nil || config.logger.metadataProvider != nil || transport != nil
        gate = CreditGate(messages: config.maxInFlightMessages, bytes: config.maxInFlightBytes)
        lanes = ProducerLanes(config.dispatch)
        metrics?.run(for: self)
    }

    // MARK: Handing in

    /// Takes a message over if that needs no waiting; answers `nil` when it does.
    func submitAtOnce(_ message: ProduceMessage, batch: BatchCountdown? = nil) throws -> Outgoing? {
        let route = try route(of: message)
        let bytes = message.byteCount
        guard gate.enterAtOnce(bytes: bytes) else { return nil }
        do {
            let outgoing = outgoing(
                message,
                route,
                bytes,
                needsTimes(message) ? OutgoingTimes(of: message) : nil,
                batch
            )
            let submission = try admit(outgoing, message, mayQueue: false)
            guard case .started = submission else {
                gate.leave(bytes: bytes)
                return nil
            }
            start(outgoing, message, submission)
            return outgoing
        } catch {
            gate.leave(bytes: bytes)
            throw error
        }
    }

    /// Takes a message over. Returns when it is on its way: with librdkafka, or in its lane.
    func submit(
        _ message: ProduceMessage,
        deadline: ContinuousClock.Instant?,
        batch: BatchCountdown? = nil
    ) async throws -> Outgoing {
        let route = try route(of: message)
        if let deadline, deadline <= .now { throw ProducerError(.deadlineExceeded) }
        let bytes = message.byteCount
        if !gate.enterAtOnce(bytes: bytes) { try await enter(gate, bytes: bytes, deadline) }
        let needsTimes = deadline != nil || needsTimes(message)
        let times = needsTimes ? OutgoingTimes(deadline: deadline, of: message) : nil
        let outgoing = outgoing(message, route, bytes, times, batch)
        do {
            var submission = try admit(outgoing, message, mayQueue: false)
            if case .mustWait = submission {
                let laneGate = lanes.with(outgoing.lane) { $0.gate }
                try await enter(laneGate, bytes: 0, deadline)
                do {
                    submission = try admit(outgoing, message, mayQueue: true)
                } catch {
                    laneGate.leave(bytes: 0)
                    throw error
                }
                if case .started = submission { laneGate.leave(bytes: 0) }
            }
            start(outgoing, message, submission)
            return outgoing
        } catch {
            gate.leave(bytes: bytes)
            throw error
        }
    }

    private func outgoing(
        _ message: ProduceMessage,
        _ route: ProduceRoute,
        _ bytes: Int,
        _ times: OutgoingTimes?,
        _ batch: BatchCountdown?
    ) -> Outgoing {
        let place = place(of: message, route)
        let outgoing = Outgoing(
            message,
            route,
            lane: place.lane,
            domain: place.domain,
            bytes: bytes,
            batch: batch,
            times: times
        )
        if needsTask || route.chain != nil || log?.logsSuccess == true {
            outgoing.isTaken(by: OutgoingWork(message, of: outgoing, times))
        }
        return outgoing
    }

    /// Whether it matters when a message without a deadline came. Those with handlers have ``OutgoingWork``, which notes it.
    private func needsTimes(_ message: ProduceMessage) -> Bool {
        message.timestamp != nil || metrics != nil
    }

    private func admit(
        _ outgoing: Outgoing,
        _ message: ProduceMessage,
        mayQueue: Bool
    ) throws -> LaneMachine.Submission {
        // Before it can end.
        outgoing.span = flush.begin()
        do {
            let submission = try lanes.with(outgoing.lane) { lane throws in
                try lane.admit(outgoing, message, mayQueue: mayQueue)
            }
            if case .mustWait = submission { flush.end(outgoing.span, 1) }
            return submission
        } catch {
            flush.end(outgoing.span, 1)
            throw error
        }
    }

    private func start(_ outgoing: Outgoing, _ message: ProduceMessage, _ submission: LaneMachine.Submission) {
        switch submission {
        case .mustWait: break
        case .queued: drive(outgoing, from: .queue)
        case .started:
            if outgoing.work == nil {
                sendDirectly(outgoing, message)
            } else {
                drive(outgoing, from: .start)
            }
        }
    }

    private func sendDirectly(_ outgoing: Outgoing, _ message: ProduceMessage) {
        do {
            try handOver(message, to: outgoing.route, outgoing)
        } catch {
            lanes.with(outgoing.lane) { lane in
                lane.state.withLock { $0.machine.deliveryFailed(outgoing.ticket) }
            }
            failed(outgoing, message, error)
        }
    }

    /// Puts a message into librdkafka's queue.
    func handOver(_ message: ProduceMessage, to route: ProduceRoute, _ outgoing: Outgoing) throws {
        // A closure and not the method, which would count a reference to this object for each message; and there are weak
        // ones to it, so that counting is slow.
        try route.withLink {
            try client()
        } _: { link in
            try link.client.send(
                to: link.topic,
                partition: message.partition,
                key: message.key,
                value: message.value,
                headers: message.headers,
                timestamp: message.timestamp,
                target: outgoing
            )
        }
    }

    /// Waits for room, at most until `deadline`.
    private func enter(_ gate: CreditGate, bytes: Int, _ deadline: ContinuousClock.Instant?) async throws {
        guard let deadline else { return try await gate.enter(bytes: bytes) }
        if try await finishes(by: deadline, { try await gate.enter(bytes: bytes) }) { return }
        try Task.checkCancellation()
        throw ProducerError(.deadlineExceeded)
    }

    // MARK: Where to

    func route(of message: ProduceMessage) throws -> ProduceRoute {
        guard let topic = message.topic else {
            return try defaultRoute.get {
                guard let topic = config.defaultTopic else { throw ProducerError(.topicRequired) }
                return route(to: topic)
            }
        }
        guard !topic.isBlank else { throw ProducerError(.topicRequired) }
        return route(to: topic)
    }

    private func route(to topic: String) -> ProduceRoute {
        routes.withLock { routes in
            if let route = routes[topic] { return route }
            let handlers = config.topicHandlers[topic]?.combined(with: config.handlers) ?? config.handlers
            var chain: ProduceRoute.Chain?
            if !handlers.isEmpty {
                let function = composeProduce(handlers.named(clientID: config.clientID)) { [weak self] context in
                    guard let self else { throw ProducerError(.closed) }
                    return try await self.transmit(context)
                }
                chain = ProduceRoute.Chain(function: function)
            }
            let route = ProduceRoute(
                topic: topic,
                number: UInt32(clamping: routes.count),
                lanes: lanes.count,
                chain: chain
            )
            routes[topic] = route
            return route
        }
    }

    /// The lane of a message, and what it keeps its order with.
    private func place(of message: ProduceMessage, _ route: ProduceRoute) -> (lane: Int, domain: UInt64?) {
        switch order {
        case .ofAll: return (0, 0)
        case .none:
            let next = nextLane.add(1, ordering: .relaxed).newValue
            return (Int(next % UInt(lanes.count)), nil)
        case .byKey:
            guard let key = message.key?.unsafeBytes else { return (route.laneWithoutKey, nil) }
            let lane = key.isEmpty ? route.laneWithoutKey : FNV1a.shard(of: key, count: lanes.count)
            return (lane, FNV1a.hash64(key, seed: route.seed))
        }
    }

    /// The client, made when it is first needed: that starts threads and waits for nothing.
    private func client() throws -> ProducerClient {
        try connection.withLock { connection in
            switch connection {
            case .open(let client): return client
            case .ended: throw ProducerError(.closed)
            case .idle:
                let logger = config.logger
                let librdkafkaLog = LibrdkafkaLog(logger)
                let statistics = metrics?.statistics
                let client = try ProducerClient(
                    config.properties(),
                    onEvent: { [weak self] event in
                        switch event {
                        case .error(let error):
                            logger.warning("xkafka producer error", metadata: ["error": "\(error)"])
                            if error.errorClass == .fatal { self?.abort(error) }
                            if error.code == .allBrokersDown { self?.noteBrokersDown() }
                        case .log(let line): librdkafkaLog.write(line)
                        case .statistics(let json): statistics?.note(json)
                        }
                    },
                    onDeliveries: { [weak self] in
                        self?.noteReports($0)
                        self?.deliver($0)
                    }
                )
                connection = .open(client)
                return client
            }
        }
    }
}

extension ProduceMessage {
    /// What the message counts in the bound on bytes in flight. No message of 4 GiB gets further than to librdkafka's
    /// refusal, so that what is more counts as that: ``Outgoing`` keeps 32 bits of it.
    fileprivate var byteCount: Int {
        var bytes = (key?.count ?? 0) + (value?.count ?? 0)
        if !headers.isEmpty {
            bytes = headers.reduce(bytes) { $0 + $1.nameBytes.count + ($1.value?.count ?? 0) }
        }
        return min(bytes, Int(UInt32.max))
    }
}
