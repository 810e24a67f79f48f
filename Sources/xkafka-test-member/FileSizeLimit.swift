import Foundation

/// Makes the disk look full: no file of this process grows beyond a size.
enum FileSizeLimit {
    /// From now on a write that would go further takes a part, and then fails with `EFBIG`.
    static func set(_ bytes: Int) throws {
        // Without this the system would end the process instead.
        _ = signal(SIGXFSZ, SIG_IGN)
        var limit = rlimit()
        #if canImport(Darwin)
            let resource = RLIMIT_FSIZE
        #else
            let resource = __rlimit_resource_t(RLIMIT_FSIZE.rawValue)
        #endif
        guard getrlimit(resource, &limit) == 0 else { throw MemberOptions.Wrong(what: "getrlimit: \(errno)") }
        limit.rlim_cur = rlim_t(bytes)
        guard setrlimit(resource, &limit) == 0 else { throw MemberOptions.Wrong(what: "setrlimit: \(errno)") }
    }
}
