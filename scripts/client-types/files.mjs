import { javaTypes } from './java.mjs'
import { modelOf } from './model.mjs'
import { pythonTypes } from './python.mjs'

/** Returns the generated files of the clients: their paths, and their texts. */
export function generatedFiles(document) {
  const model = modelOf(document)
  return {
    'clients/python/src/sealpost/api_types.py': pythonTypes(model),
    'clients/java/src/main/java/sealpost/Api.java': javaTypes(model),
  }
}
