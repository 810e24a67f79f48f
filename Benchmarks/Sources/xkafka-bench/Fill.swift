import ArgumentParser
import RawClient

struct Fill: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Writes the messages that are read.")

    @Option var brokers: String
    @Option var topic: String
    @Option var partitions: Int32 = 64
    @Option var perPartition: Int64 = 40_000
    @Option var size: Int32 = 100
    @Option var keys: String = "zipf"
    @Option var keyCount: Int32 = 1_000
    @Flag(help: "Each key is in one partition.") var byKey = false

    func run() throws {
        let spread =
            switch keys {
            case "uniform": RAW_KEYS_UNIFORM
            case "one": RAW_KEYS_ONE
            case "turn": RAW_KEYS_IN_TURN
            default: RAW_KEYS_ZIPF
            }
        let error = raw_fill(brokers, topic, partitions, perPartition, size, spread, keyCount, byKey ? 1 : 0)
        guard error == 0 else { throw ValidationError("fill failed: \(error)") }
    }
}
