#!/usr/bin/env bash
# Installs the real servers that the tests run against: Apache Kafka from
# Maven Central, Dovecot and Chromium from Debian's packages. Quick when all is
# there. What cannot be had here is skipped with a line that says why, and its
# tests are skipped too; in CI (CI not empty) that is an error.
set -euo pipefail
cd "$(dirname "$0")"

missing=0
skip() {
	echo "install.sh: without $1, its tests are skipped: $2" >&2
	missing=1
}

# apt_install WHAT PACKAGE... installs packages if this machine lets us.
updated=
apt_install() {
	local what=$1
	shift
	if ! command -v apt-get >/dev/null; then
		skip "$what" "no apt-get here; install $* by hand"
		return 1
	elif [ "$(id -u)" != 0 ]; then
		skip "$what" "not root; run: sudo apt-get install $*"
		return 1
	fi
	if [ -z "$updated" ]; then
		apt-get update -qq >/dev/null || echo "install.sh: apt-get update failed, trying with the old lists" >&2
		updated=yes
	fi
	if ! DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null; then
		skip "$what" "apt-get install $* failed"
		return 1
	fi
}

# has COMMAND finds it also where a plain user's PATH does not look.
has() { PATH="$PATH:/usr/sbin:/usr/local/sbin" command -v "$1" >/dev/null; }

install_kafka() {
	if ! has java; then
		apt_install "Apache Kafka" default-jre-headless || return 0
	fi
	if cmp -s kafka/pom.xml kafka/libs/pom.xml; then
		return 0
	fi
	if ! has mvn; then
		apt_install "Apache Kafka" maven || return 0
	fi
	rm -rf kafka/libs
	if mvn --quiet --batch-mode -Dstyle.color=never --strict-checksums --file kafka/pom.xml dependency:copy-dependencies; then
		cp kafka/pom.xml kafka/libs/pom.xml # says which version is there, whole
	else
		skip "Apache Kafka" "its jars could not be fetched from Maven Central"
	fi
}

install_dovecot() {
	has dovecot || apt_install Dovecot dovecot-imapd || return 0
}

install_chromium() {
	if has chromium || has chromium-browser || has google-chrome; then
		return 0
	fi
	apt_install Chromium chromium || return 0
}

install_kafka
install_dovecot
install_chromium

if [ "$missing" = 1 ] && [ -n "${CI:-}" ]; then
	echo "install.sh: in CI nothing may be missing" >&2
	exit 1
fi
