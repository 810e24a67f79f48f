/// An immutable run of bytes on the heap, in one allocation.
///
/// Safe to share between tasks: the bytes are written once, before the initialiser returns.
package final class ByteStorage: Sendable {
    /// Never written after `init`, freed in `deinit`; `nonisolated(unsafe)` because raw pointers
    /// are not `Sendable`.
    package nonisolated(unsafe) let bytes: UnsafeRawBufferPointer

    package init(copying source: UnsafeRawBufferPointer) {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: source.count, alignment: 1)
        copy.copyMemory(from: source)
        bytes = UnsafeRawBufferPointer(copy)
    }

    deinit {
        bytes.deallocate()
    }
}
