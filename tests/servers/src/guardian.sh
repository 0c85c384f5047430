# Stops a server and removes its folder as soon as the process that started the server has ended.
#
# Usage: sh guardian.sh SIGNAL FOLDER
#
# The process that started the server holds the other end of this script's input. It writes the server's process id
# after each start, and an empty line when the server has ended. The input ends when that process ends.
signal=$1
folder=$2
server=
while read -r line; do
    server=$line
done
if [ -n "$server" ]; then
    kill -s "$signal" "$server" 2>/dev/null
    # Where there is /proc, a process that has ended has no working folder, even before its entry is removed.
    while kill -0 "$server" 2>/dev/null && { [ ! -e /proc/self/cwd ] || [ -e "/proc/$server/cwd" ]; }; do
        sleep 0.05
    done
fi
rm -rf "$folder"
