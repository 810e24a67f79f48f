#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

func exit(failing: Bool) -> Never {
    exit(failing ? 1 : 0)
}

/// How many schedules are played side by side.
let processors = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
