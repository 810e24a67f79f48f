import XKafka

let origin = ProduceMiddleware { message, next in
    var message = message
    message.message.headers.append("origin", "billing")
    return try await next(message)
}
var config = ProducerConfig(brokers: ["127.0.0.1:9092"], defaultTopic: "orders", handlers: [origin])
config.retry = RetryConfig(maxRetries: 5)
config.exhaustedPolicy = .stop
config.failureHook = { failure in print(failure.stage, failure.attempt, failure.error) }

let producer = try Producer(config)
let outcomes = try await producer.produceBatchReport(
    (1...1_000).map { ProduceMessage(key: "order-\($0)", value: "paid") }
)
for case .failure(let error) in outcomes { print(error) }
await producer.close(deadline: .seconds(10))
