# Shared by the scripts: what they need on the machine, and how it gets there.
# Sourced, never run.

# The minimum that sqlx 0.9 asks for.
RUST_MINIMUM=1.94

say() { printf '%s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Is version $1 at least $2?
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

need_rust() {
  command -v cargo >/dev/null || die "there is no Rust toolchain; install one from https://rustup.rs (at least $RUST_MINIMUM)"
  local have
  have=$(rustc --version | awk '{print $2}')
  at_least "$have" "$RUST_MINIMUM" || die "rustc $have is too old: $RUST_MINIMUM or newer is needed (rustup update)"
}

# A server's binary, on PATH or where Debian puts it.
have_binary() { command -v "$1" >/dev/null || compgen -G "/usr/lib/postgresql/*/bin/$1" >/dev/null; }

# need_packages: installs what is missing with apt, and starts no system service by it.
need_packages() {
  local missing=()
  have_binary cc || missing+=(gcc libc6-dev)
  have_binary git || missing+=(git)
  have_binary ssh-keygen || missing+=(openssh-client)
  have_binary postgres || missing+=(postgresql)
  have_binary psql || missing+=(postgresql-client)
  have_binary redis-server || missing+=(redis-server)
  compgen -G '/usr/lib/*/faketime/libfaketime.so.1' >/dev/null || missing+=(libfaketime)
  python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
  [ ${#missing[@]} -eq 0 ] && return
  command -v apt-get >/dev/null || die "please install: ${missing[*]}"
  local root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "please install, as root: apt-get install ${missing[*]}"
    root=(sudo)
  fi
  say "installing ${missing[*]} (no system service is started)"
  # invoke-rc.d asks this file whether a service may start; 101 means no.
  local policy=/usr/sbin/policy-rc.d made=
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee "$policy" >/dev/null
    "${root[@]}" chmod +x "$policy"
    made=1
  fi
  local failed=
  "${root[@]}" apt-get update -qq \
    && "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null \
    || failed=1
  [ -n "$made" ] && "${root[@]}" rm -f "$policy"
  [ -z "$failed" ] || die "apt-get could not install ${missing[*]}"
}

# The folder that cargo builds into.
target_dir() { printf '%s\n' "${CARGO_TARGET_DIR:-$PWD/target}"; }
