//! Kafka against foreign brokers, and brokers that misbehave.
