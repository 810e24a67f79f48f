import ArgumentParser
import Foundation
import XKafka

/// Sends messages at a steady pace until its standard input ends.
struct Load: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Sends messages of a thousand keys at a steady pace.")

    @Option var brokers: String
    @Option var topic: String
    @Option(help: "Messages per second.") var rate = 20_000
    @Option var size = 100

    func run() async throws {
        let producer = try Producer(Clients.producer(brokers, topic, linger: .milliseconds(5)))
        let value = MessageBytes(repeatElement(UInt8(ascii: "x"), count: size))
        let messages = (0..<1_000).map { ProduceMessage(key: MessageBytes("key-\($0)"), value: value) }
        // At once: whoever started this waits for it.
        FileHandle.standardOutput.write(Data("sending\n".utf8))
        let sending = Task {
            let pause = Duration.seconds(1) * messages.count / rate
            var next = ContinuousClock.now
            while !Task.isCancelled {
                try await producer.produceBatch(messages)
                next += pause
                try await Task.sleep(until: next)
            }
        }
        while readLine() != nil {}
        sending.cancel()
        _ = await sending.result
        await producer.close()
    }
}
