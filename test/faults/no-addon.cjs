// Loaded before zt and its keychain child: keytar cannot be loaded, as on a machine without libsecret.
const Module = require('node:module')
const load = Module._load
Module._load = function (request, ...rest) {
  if (/(^|[\\/])keytar$/.test(request)) throw new Error('Failed to load keytar native addon')
  return load.call(this, request, ...rest)
}
