#!/bin/sh
# Runs the pods in the folder $1, each in a network, host name and file system of its own, joined by a bridge. It is started as root of
# a user namespace, so it needs no rights. pods/NAME/{files,address} are given; files/.stage holds what is to be run. Standard output
# has a line for each step of $1/steps: `ok NUMBER` or `failed NUMBER`.
set -eu
stage=$1
program_user="--user --map-user=999 --map-group=999"

ip link add pods type bridge
ip link set pods up
ip addr add 10.77.0.1/24 dev pods

# Everything that was started ends with this script.
trap 'for file in "$stage"/pods/*/inside "$stage"/pods/*/pid; do kill -9 "$(cat "$file")" 2>/dev/null || true; done' EXIT

start() {
  pod=$stage/pods/$1
  for folder in usr bin sbin lib lib32 lib64 libx32 opt dev proc; do
    [ -e "/$folder" ] || continue
    if [ -L "/$folder" ]; then ln -sf "$(readlink "/$folder")" "$pod/files/$folder"; continue; fi
    mkdir -p "$pod/files/$folder"
    mount --rbind "/$folder" "$pod/files/$folder"
  done
  if [ -n "${DEPLOYCTL_CONFIGURATION_PROGRAMS:-}" ]; then
    mkdir -p "$pod/files/.programs"
    mount --rbind "$DEPLOYCTL_CONFIGURATION_PROGRAMS" "$pod/files/.programs"
  fi
  cp -a /etc/alternatives "$pod/files/etc/" 2>/dev/null || true
  # Its network is there before anything is run in it. Everything in the pod ends with its first process.
  unshare --net --uts --pid --fork --kill-child sh -eu -c '
    hostname "$1"
    ip link set lo up
    echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start
    until ip link set eth0 up 2>/dev/null; do sleep 0.05; done
    ip addr add "$(cat "$2/address")/24" dev eth0
    exec unshare --user --map-user=999 --map-group=999 --root="$2/files" --wd=/ /bin/sh /.stage/run
  ' sh "$1" "$pod" > "$pod/log" 2>&1 &
  echo $! > "$pod/pid"
  # The first process inside: it has the pod's network, which is what the other end of its link is put into.
  until inside=$(cat "/proc/$!/task/$!/children" 2>/dev/null) && [ -n "$inside" ]; do sleep 0.02; done
  inside=${inside%% *}
  echo "$inside" > "$pod/inside"
  link="v$(cat "$pod/number")"
  until [ "$(readlink "/proc/$inside/ns/net")" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done
  ip link add "$link" type veth peer name eth0 netns "$inside"
  ip link set "$link" master pods up
}

# ask POD SCRIPT runs a script of /.stage in a pod.
ask() {
  inside=$(cat "$stage/pods/$1/inside")
  # shellcheck disable=SC2086
  timeout 20 nsenter --target "$inside" --net --uts unshare $program_user --root="$stage/pods/$1/files" --wd=/ /bin/sh "/.stage/$2"
}

while read -r number action pod script pattern; do
  echo "step $number" >> "$stage/log"
  case $action in
    start) start "$pod"; echo "ok $number"; continue ;;
    stop)
      kill -9 "$(cat "$stage/pods/$pod/pid")" "$(cat "$stage/pods/$pod/inside")" 2>/dev/null || true
      ip link del "v$(cat "$stage/pods/$pod/number")" 2>/dev/null || true
      echo "ok $number"
      continue ;;
  esac
  tries=0
  result=failed
  while [ $tries -lt 60 ]; do
    if ask "$pod" "$script" > "$stage/answer" 2>&1 && grep -Eq -e "$pattern" "$stage/answer"; then result=ok; break; fi
    if ! kill -0 "$(cat "$stage/pods/$pod/pid")" 2>/dev/null; then break; fi
    tries=$((tries + 1))
    sleep 1
  done
  echo "$result $number"
  [ $result = ok ] || { cat "$stage/answer" >&2; echo "--- $pod wrote:" >&2; tail -n 30 "$stage/pods/$pod/log" >&2; exit 1; }
done < "$stage/steps"
