#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension FileOffsetStoreError {
    /// What the system refused, in its own words.
    package static func system(_ call: String, _ path: String, _ code: Int32) -> FileOffsetStoreError {
        FileOffsetStoreError(path: path, reason: "cannot \(call): \(String(cString: strerror(code)))", code: code)
    }
}
