// A CommonJS module, so that it loads when it is first needed and without an await, in every test runner. The build replaces
// the package, which has only ES modules, with its code: Jest's `require` cannot load ES modules.
module.exports = require('htmlparser2')
