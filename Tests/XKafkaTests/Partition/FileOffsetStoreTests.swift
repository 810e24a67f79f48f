import Foundation
import Synchronization
import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

@Suite(.timeLimit(.minutes(1))) struct FileOffsetStoreTests {
    private let partition = TopicPartition(topic: "orders", partition: 3)

    /// Runs `body` with the path of a file in a folder of its own.
    private func withFile(_ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(uniqueName("offsets"))
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(folder.appendingPathComponent("offsets").path)
    }

    @Test func keepsWhatTheConsumerReliesOn() async throws {
        try await withFile { path in
            try await OffsetStoreConformance.check { FileOffsetStore(path: path) }
        }
        let memory = MemoryOffsetStore()
        try await OffsetStoreConformance.check { memory }
    }

    @Test func theFirstUseMayBeByManyAtOnce() async throws {
        try await withFile { path in
            let store = FileOffsetStore(path: path)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<32 {
                    group.addTask { try await store.save(1, for: TopicPartition(topic: "t", partition: Int32(number))) }
                }
                try await group.waitForAll()
            }
            #expect(try await store.load(TopicPartition(topic: "t", partition: 31)) == 1)
        }
    }

    @Test func aStoreThatForgetsIsFound() async throws {
        struct Forgetful: OffsetStore {
            func load(_ partition: TopicPartition) async throws -> Int64? { nil }
            func save(_ nextOffset: Int64, for partition: TopicPartition) async throws {}
        }
        await #expect(throws: OffsetStoreFault.self) { try await OffsetStoreConformance.check { Forgetful() } }
    }

    /// R1: a file that was cut anywhere, or changed anywhere, is never taken for an empty one.
    @Test func damagedFilesAreReported() async throws {
        try await withFile { path in
            var store: FileOffsetStore? = FileOffsetStore(path: path)
            try await store?.save(Checkpoint(nextOffset: 1_042, completed: [1_050..<1_060]), for: partition)
            try await store?.save(7, for: TopicPartition(topic: "bills", partition: 0))
            store = nil
            let whole = try Data(contentsOf: URL(fileURLWithPath: path))
            #expect(try await FileOffsetStore(path: path).load(partition) == 1_042)
            var damaged = (0..<whole.count).map { whole.prefix($0) }
            for index in whole.indices {
                var changed = whole
                changed[index] ^= 0x01
                damaged.append(changed)
            }
            damaged += [Data("{}".utf8), Data([0xff, 0x00]), whole + whole, whole + Data("\n".utf8)]
            for (number, bytes) in damaged.enumerated() {
                try bytes.write(to: URL(fileURLWithPath: path))
                let store = FileOffsetStore(path: path)
                let error = await #expect(throws: FileOffsetStoreError.self, "damage \(number)") {
                    try await store.load(partition)
                }
                #expect(error?.code == nil)
                await #expect(throws: FileOffsetStoreError.self) { try await store.save(1, for: partition) }
                #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == bytes, "it is left as it is")
            }
        }
    }

    @Test func twoStoresCannotUseOneFile() async throws {
        try await withFile { path in
            var first: FileOffsetStore? = FileOffsetStore(path: path)
            try await first?.save(1, for: partition)
            let second = FileOffsetStore(path: path)
            let error = await #expect(throws: FileOffsetStoreError.self) { try await second.load(partition) }
            #expect("\(try #require(error))".contains("another store"))
            first = nil
            #expect(try await second.load(partition) == 1)
        }
    }

    /// Failures of the disk, at each step of a save: the old file stays, and the next save works.
    @Test(arguments: [EROFS, ENOSPC], ["write", "replace"])
    func failingDisksLeaveTheOldFile(code: Int32, step: String) async throws {
        let files = FaultyFiles()
        let store = FileOffsetStore(path: "/offsets", files: files)
        try await store.save(1, for: partition)
        files.failure.withLock { $0 = (step, code) }
        let error = await #expect(throws: FileOffsetStoreError.self) { try await store.save(2, for: partition) }
        #expect(error?.code == code)
        #expect(try await store.load(partition) == 1, "what is not on the disk does not count")
        #expect(try await FileOffsetStore(path: "/offsets", files: files.unlocked).load(partition) == 1)
        files.failure.withLock { $0 = nil }
        try await store.save(3, for: partition)
        #expect(try await FileOffsetStore(path: "/offsets", files: files.unlocked).load(partition) == 3)
    }

    @Test func systemErrorsSayWhatIsWrong() async throws {
        let store = FileOffsetStore(path: "/no/such/folder/offsets")
        let error = await #expect(throws: FileOffsetStoreError.self) { try await store.load(partition) }
        #expect(error?.code == ENOENT)
        #expect("\(try #require(error))".contains("/no/such/folder"))
    }

    /// Files in memory that fail when they are told to.
    private final class FaultyFiles: FileOperations {
        let failure = Mutex<(step: String, code: Int32)?>(nil)
        private let contents: ContentBox

        private final class ContentBox: Sendable {
            let files = Mutex<[String: [UInt8]]>([:])
        }

        private final class Held: FileLock {}

        init() {
            contents = ContentBox()
        }

        private init(_ contents: ContentBox) {
            self.contents = contents
        }

        /// The same files, for another store.
        var unlocked: FaultyFiles { FaultyFiles(contents) }

        private func failIfTold(_ step: String, _ path: String) throws(FileOffsetStoreError) {
            let failure = failure.withLock { $0 }
            if let failure, failure.step == step { throw .system(step, path, failure.code) }
        }

        func read(_ path: String) throws(FileOffsetStoreError) -> [UInt8]? {
            contents.files.withLock { $0[path] }
        }

        func write(_ bytes: [UInt8], to path: String) throws(FileOffsetStoreError) {
            // A full disk takes a part.
            contents.files.withLock { $0[path] = Array(bytes.prefix(10)) }
            try failIfTold("write", path)
            contents.files.withLock { $0[path] = bytes }
        }

        func replace(_ to: String, by from: String, in folder: String) throws(FileOffsetStoreError) {
            try failIfTold("replace", to)
            contents.files.withLock { $0[to] = $0.removeValue(forKey: from) }
        }

        func lock(_ path: String) throws(FileOffsetStoreError) -> (any FileLock)? { Held() }
    }
}
