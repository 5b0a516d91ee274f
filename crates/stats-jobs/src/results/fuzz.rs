//! Results of any bytes are read or refused, and what was read is written as it was.

use stats_testkit::fuzz;

use super::failure::Failure;
use super::record::TaskResult;
use crate::Serializer;

fn fuzz_result(data: &[u8]) {
    for serializer in [Serializer::Json, Serializer::Msgpack] {
        let Ok(read) = TaskResult::read(data, serializer) else { continue };
        drop(Failure::from_value(&read.result, read.traceback.clone()));
        let written = read.write(Serializer::Msgpack);
        let again = TaskResult::read(&written, Serializer::Msgpack).expect("it was written");
        assert_eq!((&again.id, &again.state), (&read.id, &read.state));
        assert_eq!((&again.result, &again.group), (&read.result, &read.group));
    }
}

#[test]
fn results() {
    fuzz::run("result", fuzz_result).unwrap();
}
