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
    let needsTask: Bool

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
            let route = ProduceRoute(
                topic: topic,
                number: UInt32(clamping: routes.count),
                lanes: lanes.count,
                hasHandlers: !handlers.isEmpty,
                function: composeProduce(handlers.named(clientID: config.clientID), sending)
            )
            routes[topic] = route
            return route
        }
    }

    /// The innermost function of a chain.
    private var sending: ProduceFunction {
        // No capture list: a closure with one is called through another function, which takes memory for each message
        // under way. Nor one closure that looks where to send: it would keep room for either.
        let reference = WeakReference(self)
        if let transport {
            return { context in
                guard let runtime = reference.object else { throw ProducerError(.closed) }
                return try await runtime.transmit(context, through: transport)
            }
        }
        return { context in
            guard let runtime = reference.object else { throw ProducerError(.closed) }
            return try await runtime.transmit(context)
        }
    }

    private struct WeakReference: Sendable {
        private(set) weak var object: ProducerRuntime?

        init(_ object: ProducerRuntime) {
            self.object = object
        }
    }

    /// The lane of a message, and what it keeps its order with.
    func place(of message: ProduceMessage, _ route: ProduceRoute) -> (lane: Int, domain: UInt64?) {
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
    func client() throws -> ProducerClient {
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
                        self?.log?.noteLevel()
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
