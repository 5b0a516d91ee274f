//! What has to happen at once, in the language of Redis' scripts.

use redis::Cmd;

/// Runs a script on these keys; its arguments are to be added.
pub(super) fn run(script: &str, keys: &[&str]) -> Cmd {
    let mut call = redis::cmd("EVAL");
    call.arg(script).arg(keys.len()).arg(keys);
    call
}

/// Takes the next message: out of the first list that holds one, into `unacked`. A process that ends
/// between the two would lose it otherwise. It is taken away last: what fails before loses nothing.
///
/// By whatever exchange it came, it goes back to this queue and to no other.
///
/// Keys: `unacked`, `unacked_index`, the lists. Arguments: the time in seconds, the queue. Answers with
/// tag and text; the tag is empty when the text is no message, which then is nowhere any more: what
/// cannot be read must not lie where Python's workers read it.
pub(super) const TAKE: &str = r#"
for at = 3, #KEYS do
  local text = redis.call('LINDEX', KEYS[at], -1)
  if text then
    local read, message = pcall(cjson.decode, text)
    local properties = read and type(message) == 'table' and message.properties
    local tag = type(properties) == 'table' and properties.delivery_tag
    if type(tag) ~= 'string' or tag == '' then
      redis.call('RPOP', KEYS[at])
      return {'', text}
    end
    local route = ', "", ' .. cjson.encode(ARGV[2]) .. ']'
    redis.call('HSET', KEYS[1], tag, '[' .. text .. route)
    redis.call('ZADD', KEYS[2], ARGV[1], tag)
    redis.call('RPOP', KEYS[at])
    return {tag, text}
  end
end
return false
"#;

/// Has a message wait again, if it is in somebody's hand as it was seen, since the given time or
/// earlier.
///
/// Keys: `unacked`, `unacked_index`, the list. Arguments: tag, entry of `unacked` as it was seen, time
/// in seconds, text of the message. Answers 1 when it was done.
pub(super) const RESTORE: &str = r"
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then
  return 0
end
local since = redis.call('ZSCORE', KEYS[2], ARGV[1])
if since and tonumber(since) > tonumber(ARGV[3]) then
  return 0
end
redis.call('RPUSH', KEYS[3], ARGV[4])
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return 1
";
