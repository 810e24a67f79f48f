import ArgumentParser
import Foundation
import RawClient

/// What one run of one side measured, as its process prints it.
struct Measurement: Codable, Sendable {
    var messages: Int64
    /// From the first message to the last.
    var seconds: Double
    /// Processor seconds of the process in that time.
    var cpuSeconds: Double
    /// The most memory the process had, until it ended unless told otherwise.
    var peakMemory: Int64 = 0
    /// How often memory was allocated in that time, if that was counted.
    var allocations: Int64 = 0

    var rate: Double { Double(messages) / seconds }
    var allocationsPerMessage: Double { Double(allocations) / Double(messages) }

    static func + (left: Measurement, right: Measurement) -> Measurement {
        Measurement(
            messages: left.messages + right.messages,
            seconds: left.seconds + right.seconds,
            cpuSeconds: left.cpuSeconds + right.cpuSeconds
        )
    }

    init(messages: Int64, seconds: Double, cpuSeconds: Double) {
        self.messages = messages
        self.seconds = seconds
        self.cpuSeconds = cpuSeconds
    }

    init(_ result: raw_result) {
        self.init(messages: result.messages, seconds: result.seconds, cpuSeconds: result.cpu_seconds)
    }

    /// Prints what this process has measured, for the one that started it.
    func report() throws {
        var measurement = self
        if peakMemory == 0 { measurement.peakMemory = raw_peak_memory() }
        measurement.allocations = raw_allocations()
        print(String(decoding: try JSONEncoder().encode(measurement), as: UTF8.self))
    }
}

/// What every side understands.
struct Counting: ParsableArguments {
    @Flag(help: "Count allocations, which takes time of its own.") var countAllocations = false

    /// Has them counted whenever a clock runs, if asked to.
    func prepare() {
        if countAllocations { raw_want_allocations() }
    }
}

/// The time and the processor time since it was made. Meanwhile allocations are counted, if that was asked for.
struct Stopwatch: Sendable {
    private let start = ContinuousClock.now
    private let cpuStart = raw_cpu_seconds()

    init() { raw_begin_allocations() }

    func measurement(messages: Int64) -> Measurement {
        let time = start.duration(to: .now)
        raw_end_allocations()
        return Measurement(
            messages: messages,
            seconds: time / .seconds(1),
            cpuSeconds: raw_cpu_seconds() - cpuStart
        )
    }
}
