/// Its argument. `#expect` and `#require` cannot call mutating methods themselves:
/// `#expect(result(of: queue.append(1)))` evaluates the call before the macro sees it.
package func result<Value>(of value: Value) -> Value {
    value
}
