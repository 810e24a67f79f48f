// Whoever uses the facades uses the values and contexts that they take and give: one import is enough.
@_exported public import XKafkaConsume
@_exported public import XKafkaCore
@_exported public import XKafkaProduce
