/** A connector for mail that is released, as the pages show it where the lab has none. */
export const NO_CONNECTOR = `outgoing:
  connectors:
    - name: Default SMTP Connector
      smartHost: { host: 127.0.0.1, port: 2525 }
      when: release`
