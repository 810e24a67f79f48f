import Foundation
import XKafkaHostileInput
import XKafkaTestingInternal

#if Fuzzing

    /// What libFuzzer calls with each input. The target is named by `XKAFKA_FUZZ_TARGET`.
    @_cdecl("LLVMFuzzerTestOneInput")
    func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
        do {
            try FuzzedTarget.current.read(Array(UnsafeBufferPointer(start: start, count: count)))
        } catch {
            // A crash is what libFuzzer keeps the input of.
            fatalError("\(FuzzedTarget.current.name): \(error)")
        }
        return 0
    }

    private enum FuzzedTarget {
        static let current: FuzzTarget = {
            let name = ProcessInfo.processInfo.environment["XKAFKA_FUZZ_TARGET"] ?? ""
            guard let target = FuzzTarget.named(name) else {
                let names = FuzzTarget.all.map(\.name).joined(separator: ", ")
                FileHandle.standardError.write(Data("error: XKAFKA_FUZZ_TARGET must be one of \(names)\n".utf8))
                exit(2)
            }
            return target
        }()
    }

#else

    /// Without libFuzzer: lists targets, reads inputs once, or makes valid ones to begin with.
    @main
    enum FuzzCommand {
        private static let usage = """
            usage: xkafka-fuzz list
                   xkafka-fuzz TARGET read [--memory MIB] FILE...
                   xkafka-fuzz TARGET make COUNT FOLDER
            """

        static func main() {
            do {
                try run(Array(CommandLine.arguments.dropFirst()))
            } catch {
                FileHandle.standardError.write(Data("error: \(error)\n".utf8))
                exit(1)
            }
        }

        private struct Refused: Error, CustomStringConvertible {
            let description: String
        }

        private static func run(_ arguments: [String]) throws {
            if arguments == ["list"] {
                for target in FuzzTarget.all { print(target.name) }
                return
            }
            guard arguments.count >= 3, let target = FuzzTarget.named(arguments[0]) else {
                throw Refused(description: usage)
            }
            var rest = arguments.dropFirst(2)
            switch arguments[1] {
            case "read":
                var limit: Int?
                if rest.first == "--memory" {
                    limit = rest.dropFirst().first.flatMap { Int($0) }
                    rest = rest.dropFirst(2)
                }
                let inputs = try rest.map { ($0, Array(try Data(contentsOf: URL(fileURLWithPath: $0)))) }
                // Made before memory is limited: whatever is set up once.
                _ = try? target.read([])
                if let limit { try MemoryLimit.set(mebibytes: limit) }
                for (file, input) in inputs {
                    do { try target.read(input) } catch { throw Refused(description: "\(file): \(error)") }
                }
                print("\(target.name): \(inputs.count) inputs read")
            case "make":
                guard let count = Int(arguments[2]), count > 0, arguments.count == 4 else {
                    throw Refused(description: usage)
                }
                for seed in 0..<UInt64(count) {
                    var random = SeededGenerator(seed: seed)
                    let file = URL(fileURLWithPath: arguments[3]).appendingPathComponent("valid-\(seed)")
                    try Data(target.example(&random)).write(to: file)
                }
            default: throw Refused(description: usage)
            }
        }
    }

#endif
