import XKafka
import XKafkaTestingInternal

/// Eight tasks use a producer while another one closes it. All of them have to end.
func raceClosing(_ producer: Producer, _ body: @escaping @Sendable () async -> Void) async throws {
    try await withDeadline(.seconds(20), "the race") {
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 { group.addTask { await body() } }
            group.addTask { await producer.close() }
        }
    }
}
