// Renders the templates of a Helm chart with Go's text/template and the functions of Helm that the chart uses.
//
//	go run render-chart.go FOLDER <VALUES.json
package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"text/template"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func toJson(value any) (string, error) {
	text, err := json.Marshal(value)
	return string(text), err
}

func isEmpty(value any) bool {
	truth, _ := template.IsTrue(value)
	return !truth
}

func main() {
	var data any
	check(json.NewDecoder(os.Stdin).Decode(&data))
	functions := template.FuncMap{
		"toJson":    toJson,
		"toString":  func(value any) string { return fmt.Sprint(value) },
		"quote":     func(value any) string { return strconv.Quote(fmt.Sprint(value)) },
		"sha256sum": func(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) },
		"prepend":   func(list []any, value any) []any { return append([]any{value}, list...) },
		"default": func(fallback, value any) any {
			if isEmpty(value) {
				return fallback
			}
			return value
		},
	}
	files, err := filepath.Glob(filepath.Join(os.Args[1], "templates", "*.yaml"))
	check(err)
	for _, file := range files {
		parsed, err := template.New(filepath.Base(file)).Funcs(functions).Option("missingkey=error").ParseFiles(file)
		check(err)
		fmt.Println("---")
		check(parsed.Execute(os.Stdout, data))
	}
}
