# sh redis.sh CAPTURE...: Redis under redis-benchmark's load, half SET and half GET, 50 clients with one request at a time each.
"$@" -- redis-server --port 7777 --save '' --appendonly no &
until redis-cli -p 7777 ping 2>/dev/null | grep -q PONG; do kill -0 $! || exit 1; sleep 1; done
for command in set get; do
  redis-benchmark -p 7777 -t $command -c 25 -r 100000 -n 100000000 -q >/dev/null 2>&1 &
done
wait %1
