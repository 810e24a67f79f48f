import Testing
import XKafkaWorkers

@Suite struct FNV1aTests {
    /// The vectors of xkafka, so that a key is on the same shard as there.
    @Test(arguments: [
        ("", 0x811c_9dc5, 5, 5), ("a", 0xe40c_292c, 12, 4), ("same-key", 0x6f13_d309, 9, 1),
        ("order-1", 0x2b7f_cd6d, 13, 5), ("order-2", 0x287f_c8b4, 20, 4), ("order-3", 0x297f_ca47, 7, 7),
        ("key-1", 0x57e0_3446, 6, 6), ("key-2", 0x56e0_32b3, 19, 3), ("orders", 0x325e_96ec, 12, 4),
        ("orders:0", 0x9e59_c096, 22, 6), ("orders:1", 0x9f59_c229, 9, 1), ("orders:2", 0x9c59_bd70, 16, 0),
    ])
    func hashesAndShardsAsXkafkaDoes(key: String, hash: UInt32, of32: Int, of8: Int) {
        var key = key
        key.withUTF8 { bytes in
            let bytes = UnsafeRawBufferPointer(bytes)
            #expect(FNV1a.hash32(bytes) == hash)
            #expect(FNV1a.shard(of: bytes, count: 32) == of32)
            #expect(FNV1a.shard(of: bytes, count: 8) == of8)
        }
    }

    @Test func keysThatAreNotTextHashOnTheirBytes() {
        [0xff, 0x00, 0xfe].withUnsafeBytes { (bytes: UnsafeRawBufferPointer) in
            var expected: UInt32 = 0x811c_9dc5
            for byte in bytes { expected = (expected ^ UInt32(byte)) &* 16_777_619 }
            #expect(FNV1a.hash32(bytes) == expected)
        }
    }
}
