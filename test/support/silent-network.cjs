// No connection ever answers, and nothing keeps the process alive: a promise that waits for one never settles.
const net = require('node:net')
net.Socket.prototype.connect = function () {
  return this
}
const {setTimeout: later} = globalThis
globalThis.setTimeout = (...args) => later(...args).unref()
const dns = require('node:dns')
dns.lookup = () => undefined
dns.promises.lookup = () => new Promise(() => undefined)
