{% autoescape off %}#!/bin/sh
# Makes this machine a worker of {{ app_url }}
#
#   --token TOKEN      the one-time token of the environment's page (or PEON_TOKEN); not needed to install again
#   --agents N         several agents, each with one job at a time; "gpus": one for each GPU
#   --runtime NAME     docker, process, or auto (default)
#   --user NAME        who the agent runs as (default: root with Docker, which is root's anyway; else peon)
#   --set NAME=VALUE   a line of /etc/peon.config; may be given several times
#   --ca-file FILE     certificate of a private authority that signed the application's and Redis's certificates
#   --no-systemd       install no service; --no-start: install it, but do not start it
#   --uninstall        remove the agent; with --purge also its settings, identity and caches
#
# Everything comes from the installation itself; the agent's checksum is part of this script.
set -eu

APP_URL={{ app_url_quoted }}
SHA256={{ sha256_quoted }}
PROGRAMS=/opt/peon
CONFIG=/etc/peon.config
DATA=/var/lib/peon
UNITS=/etc/systemd/system
COMMAND=/usr/local/bin/peon
# The system's own Python before one in the home of whoever installs: the agent's user has to reach it.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:$PATH

say() { printf 'peon: %s\n' "$*"; }
fail() { printf 'peon: %s\n' "$*" >&2; exit 1; }

main() {
    token=${PEON_TOKEN:-} agents=1 runtime=auto user='' ca_file='' lines='' service=yes start=yes uninstall='' purge=''
    while [ $# -gt 0 ]; do
        case $1 in
            --token) token=${2:?--token needs a token}; shift ;;
            --agents) agents=${2:?--agents needs a number}; shift ;;
            --runtime) runtime=${2:?--runtime needs a name}; shift ;;
            --user) user=${2:?--user needs a name}; shift ;;
            --set) lines="$lines${2:?--set needs NAME=VALUE}
"; shift ;;
            --ca-file) ca_file=${2:?--ca-file needs a file}; shift ;;
            --no-systemd) service='' ;;
            --no-start) start='' ;;
            --uninstall) uninstall=yes ;;
            --purge) purge=yes ;;
            *) fail "unknown option $1; the options are at the top of $APP_URL/agent/install.sh" ;;
        esac
        shift
    done
    [ "$(id -u)" = 0 ] || fail "run this as root, for example behind sudo"
    if [ -n "$uninstall" ]; then uninstall; return; fi
    check
    install_program
    make_user
    write_config
    enrol
    install_service
    start_service
}

check() {
    case $runtime in auto | docker | process) ;; *) fail "--runtime is docker, process or auto, not $runtime" ;; esac
    python=$(find_python) || fail "no Python from 3.6 on was found; install python3, or name one in PEON_PYTHON"
    if [ "$agents" = gpus ]; then
        agents=$(nvidia-smi --list-gpus 2>/dev/null | grep -c '^GPU') || true
        [ "$agents" -gt 0 ] || fail "--agents gpus: nvidia-smi finds no GPU; see what it says, then try again"
        lines="SINGLE_GPU_PER_PEON=true
$lines"
    fi
    case $agents in '' | *[!0-9]* | 0) fail "--agents is a number or the word gpus, not $agents" ;; esac
    if [ -n "$ca_file" ]; then
        [ -r "$ca_file" ] || fail "--ca-file: $ca_file cannot be read"
        ca_file=$(cd "$(dirname "$ca_file")" && pwd)/$(basename "$ca_file")
        lines="${lines}APP_CA_FILE=$ca_file
REDIS_CA_FILE=$ca_file
"
    fi
}

find_python() {
    for name in "${PEON_PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11 python3.10 python3.9 python3.8 \
        python3.7 python3.6 /usr/libexec/platform-python; do
        [ -n "$name" ] || continue
        found=$(command -v "$name" 2>/dev/null) || continue
        if "$found" -c 'import sys, ssl, zlib; sys.exit(sys.version_info < (3, 6))' 2>/dev/null; then
            printf '%s\n' "$found"
            return 0
        fi
    done
    return 1
}

install_program() {
    mkdir -p "$PROGRAMS"
    chmod 755 "$PROGRAMS"
    file=$PROGRAMS/peon-$(printf %.12s "$SHA256").pyz
    if ! is_whole "$file"; then
        fetch "$APP_URL/agent/peon.pyz" "$file.new"
        is_whole "$file.new" || {
            rm -f "$file.new"
            fail "$APP_URL/agent/peon.pyz is not what it should be: its checksum differs. Get this script again"
        }
        chmod 755 "$file.new"
        mv -f "$file.new" "$file"
    fi
    ln -sf "$(basename "$file")" "$PROGRAMS/peon.pyz.new"
    mv -f "$PROGRAMS/peon.pyz.new" "$PROGRAMS/peon.pyz"
    rm -f "$PROGRAMS/trial"
    write_starter
    mkdir -p "$(dirname "$COMMAND")"
    printf '#!/bin/sh\nexec %s %s/peon.pyz "$@"\n' "$python" "$PROGRAMS" > "$COMMAND.new"
    chmod 755 "$COMMAND.new"
    mv -f "$COMMAND.new" "$COMMAND"
    say "installed $("$COMMAND" --version), with $("$python" --version 2>&1)"
}

is_whole() {
    [ -f "$1" ] && [ "$("$python" -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$1")" = "$SHA256" ]
}

fetch() {
    if command -v curl > /dev/null 2>&1; then
        curl -fsSL ${ca_file:+--cacert "$ca_file"} -o "$2" "$1" || fail "$1 cannot be fetched"
    else
        SSL_CERT_FILE=${ca_file:-${SSL_CERT_FILE:-}} "$python" -c '
import os, shutil, sys, urllib.request
if not os.environ.get("SSL_CERT_FILE"):
    os.environ.pop("SSL_CERT_FILE", None)
with urllib.request.urlopen(sys.argv[1], timeout=60) as answer, open(sys.argv[2], "wb") as file:
    shutil.copyfileobj(answer, file)
' "$1" "$2" || fail "$1 cannot be fetched"
    fi
}

write_starter() {
    cat > "$PROGRAMS/start.new" << END
#!/bin/sh
# Starts the agent. A new version that ends in trouble three times gives way to the one before it.
cd $PROGRAMS || exit 1
export PEON_DIR="\${PEON_DIR:-$DATA}"
tries=\$PEON_DIR/tries
if [ -e trial ] && [ "\$1" = run ]; then
    echo >> "\$tries"
    if [ "\$(wc -l < "\$tries")" -gt 3 ] && [ -e previous.pyz ]; then
        echo "peon: the new version \$(readlink peon.pyz) did not come up; back to \$(readlink previous.pyz)" >&2
        readlink peon.pyz >> refused
        mv -f previous.pyz peon.pyz
        rm -f trial "\$tries"
    fi
fi
PEON_PROGRAMS=$PROGRAMS exec $python $PROGRAMS/peon.pyz "\$@"
END
    chmod 755 "$PROGRAMS/start.new"
    mv -f "$PROGRAMS/start.new" "$PROGRAMS/start"
}

make_user() {
    mkdir -p "$DATA"
    if [ -z "$user" ]; then
        # Whoever may use Docker's socket is root on the machine; what containers leave behind belongs to root.
        if [ "$runtime" != process ] && { [ "$runtime" = docker ] || [ -S /var/run/docker.sock ]; }; then user=root; else user=peon; fi
    fi
    if ! id "$user" > /dev/null 2>&1; then
        if command -v useradd > /dev/null 2>&1; then
            useradd --system --home-dir "$DATA" --no-create-home --shell /usr/sbin/nologin "$user"
        else
            adduser -S -D -H -h "$DATA" -s /sbin/nologin "$user"
        fi || fail "the user $user cannot be made; make one and name it with --user"
        say "made the user $user"
    fi
    group=$(id -gn "$user")
    if [ "$user" != root ] && [ "$runtime" = docker ]; then
        say "add $user to the group of Docker's socket, or no job will start: usermod --append --groups docker $user"
    fi
    chmod 700 "$DATA"
}

write_config() {
    if [ ! -e "$CONFIG" ]; then
        (umask 077 && cat > "$CONFIG" << END)
# Settings of the agent: NAME=value, a line each. $APP_URL/api/docs/ and docs/agent.md tell all of them.
# The address of Redis and its password are in worker.json below $DATA: each agent has its own.
INSTALLATION_TYPE=private-worker
CLOUD=none
END
    fi
    set_line "APP_URL=$APP_URL"
    if [ "$runtime" != auto ] || ! has_line RUNTIME; then set_line "RUNTIME=$runtime"; fi
    printf '%s' "$lines" | while IFS= read -r line; do
        case $line in
            [A-Z]*=*) set_line "$line" ;;
            *) fail "--set takes NAME=VALUE, not '$line'" ;;
        esac
    done
    chown "root:$group" "$CONFIG"
    chmod 640 "$CONFIG"
}

has_line() { grep -q "^$1=" "$CONFIG"; }

# Other lines stay as somebody has written them.
set_line() {
    (umask 077 && { grep -v "^${1%%=*}=" "$CONFIG" || true; printf '%s\n' "$1"; } > "$CONFIG.new")
    mv -f "$CONFIG.new" "$CONFIG"
}

enrol() {
    PEON_TOKEN=$token "$COMMAND" enrol --config "$CONFIG" --app-url "$APP_URL" --directory "$DATA" --agents "$agents" \
        || fail "the machine is not enrolled, see above"
    queues=$("$python" -c '
import json, os, sys
for folder in (sys.argv[1], os.path.join(sys.argv[1], "0")):
    if os.path.exists(os.path.join(folder, "worker.json")):
        print(",".join(json.load(open(os.path.join(folder, "worker.json")))["queues"]))
        break' "$DATA")
    set_line "QUEUES=$queues"
    chown "root:$group" "$CONFIG"
    chmod 640 "$CONFIG"
    chown -R "$user:$group" "$DATA"
    chown -R "$user:$group" "$PROGRAMS"
}

install_service() {
    [ -n "$service" ] || return 0
    mkdir -p "$UNITS"
    write_unit peon.service "Worker agent" "PEON_DIR=$DATA"
    write_unit peon@.service "Worker agent %i" "PEON_INSTANCE=%i PEON_DIR=$DATA/%i CACHE_DIR=$DATA/cache"
}

write_unit() {
    cat > "$UNITS/$1" << END
[Unit]
Description=$2 of $APP_URL
Wants=network-online.target
After=network-online.target docker.service

[Service]
ExecStart=$PROGRAMS/start run --config $CONFIG
User=$user
Environment=$3
# To stop is to stop the running job and keep its outputs. To let it end and take no more:
# systemctl kill --kill-whom=main --signal=SIGTERM ${1%.service}
KillMode=mixed
KillSignal=SIGINT
TimeoutStopSec=120
# 2: a setting is wrong; 4: the platform takes no more of this agent. Neither is mended by trying again.
Restart=on-failure
RestartSec=5
RestartPreventExitStatus=2 4
# Containers and namespaces of jobs need what more would take away.
NoNewPrivileges=yes
ProtectHostname=yes
ProtectKernelModules=yes
LockPersonality=yes
OOMScoreAdjust=-500
TasksMax=infinity

[Install]
WantedBy=multi-user.target
END
}

start_service() {
    names=peon
    if [ "$agents" -gt 1 ]; then
        names='' number=0
        while [ "$number" -lt "$agents" ]; do names="$names peon@$number"; number=$((number + 1)); done
    fi
    if [ -z "$service" ] || [ -z "$start" ] || [ ! -d /run/systemd/system ]; then
        say "to start an agent: PEON_DIR=$DATA $PROGRAMS/start run   to look at the machine: peon doctor"
        return 0
    fi
    systemctl daemon-reload
    # shellcheck disable=SC2086  # several names
    systemctl enable --quiet $names
    # shellcheck disable=SC2086
    systemctl restart $names
    say "started:$([ "$agents" -gt 1 ] || printf ' ')$names. To follow it: journalctl --follow --unit 'peon*'   to look at the machine: peon doctor"
}

uninstall() {
    if [ -d /run/systemd/system ]; then
        systemctl disable --now --quiet 'peon.service' 2> /dev/null || true
        for unit in "$DATA"/[0-9]*; do
            systemctl disable --now --quiet "peon@$(basename "$unit")" 2> /dev/null || true
        done
    fi
    rm -f "$UNITS/peon.service" "$UNITS/peon@.service" "$COMMAND"
    [ ! -d /run/systemd/system ] || systemctl daemon-reload
    rm -rf "$PROGRAMS"
    if [ -n "$purge" ]; then
        rm -rf "$DATA"
        rm -f "$CONFIG"
        say "removed with settings and caches. Revoke the worker on the page of its environment"
    else
        say "removed; $CONFIG and $DATA stay (--purge removes them too)"
    fi
}

main "$@"
{% endautoescape %}
