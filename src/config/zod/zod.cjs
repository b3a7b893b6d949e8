// A CommonJS module, so that it loads when it is first needed and without an await. The build replaces the package with what
// is used of it.
module.exports = require('zod')
