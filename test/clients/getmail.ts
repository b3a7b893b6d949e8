/**
 * Returns a getmailrc that fetches the mail of alice over verified TLS and writes each message to `FOLDER/PID.eml`. The
 * command takes its time: getmail 6.19 fails if it ends before `os.fork` has returned (baseclasses.py, `_child_handler`).
 */
export const getmailConfiguration = (
  retriever: 'SimpleIMAPSSLRetriever' | 'SimplePOP3SSLRetriever',
  port: number,
  caFile: string,
  folder: string,
): string => `[retriever]
type = ${retriever}
server = localhost
port = ${port}
username = alice
password = secret
ca_certs = ${caFile}
[destination]
type = MDA_external
path = /bin/sh
arguments = ("-c", "sleep 0.5; cat > ${folder}/$$.eml")
allow_root_commands = true
unixfrom = false
[options]
read_all = false
delivered_to = false
received = false
`
