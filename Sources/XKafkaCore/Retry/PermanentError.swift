/// An error that says of itself that trying again is of no use, such as a message that cannot be parsed.
///
/// Let an error type of yours conform to it, or wrap a single error in ``Permanent``. What fails with it
/// counts as having been tried often enough, whatever ``RetryConfig/maxRetries`` says.
public protocol PermanentError: Error {}

/// Marks an error as one for which trying again is of no use: `throw Permanent(error)`.
public struct Permanent: PermanentError, CustomStringConvertible {
    /// The error itself.
    public let cause: any Error

    /// Marks `cause`.
    public init(_ cause: any Error) {
        self.cause = cause
    }

    /// The cause's own words.
    public var description: String { "\(cause)" }
}
