package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

// Files is what templates call .Files: the chart's other files.
type Files struct{ root string }

// Get returns a file's text; nothing if there is none.
func (f Files) Get(name string) string {
	text, err := os.ReadFile(filepath.Join(f.root, name))
	if err != nil {
		return ""
	}
	return string(text)
}

// Glob returns the files whose names match, each with its text.
func (f Files) Glob(pattern string) map[string][]byte {
	found := map[string][]byte{}
	names, _ := filepath.Glob(filepath.Join(f.root, pattern))
	for _, name := range names {
		if relative, err := filepath.Rel(f.root, name); err == nil {
			found[relative] = []byte(f.Get(relative))
		}
	}
	return found
}

// Versions is what templates call .Capabilities.APIVersions.
type Versions []string

// Has tells whether the cluster has an API; here none beyond Kubernetes' own.
func (v Versions) Has(name string) bool {
	for _, each := range v {
		if each == name {
			return true
		}
	}
	return false
}

// Title case, as Helm gives it to templates: .Chart.AppVersion.
func chartFields(about map[string]interface{}) map[string]interface{} {
	fields := map[string]interface{}{}
	for name, value := range about {
		fields[strings.ToUpper(name[:1])+name[1:]] = value
	}
	return fields
}

// The text of each template, by <chart>/templates/<file>.
func renderAll(wish options, about, values map[string]interface{}) (map[string]string, error) {
	root := template.New("chart")
	root.Option("missingkey=zero") // as Helm has it
	root.Funcs(functions(root))
	names, err := filepath.Glob(filepath.Join(wish.chart, "templates", "*"))
	if err != nil {
		return nil, err
	}
	chart := about["name"].(string)
	var sources []string
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		source := path.Join(chart, "templates", filepath.Base(name))
		if _, err := root.New(source).Parse(string(text)); err != nil {
			return nil, fmt.Errorf("parse error at (%s): %w", source, err)
		}
		sources = append(sources, source)
	}
	rendered := map[string]string{}
	for _, source := range sources {
		if strings.HasPrefix(path.Base(source), "_") {
			continue
		}
		context := map[string]interface{}{
			"Values": values,
			"Chart":  chartFields(about),
			"Files":  Files{wish.chart},
			"Release": map[string]interface{}{
				"Name": wish.release, "Namespace": wish.namespace, "Service": "Helm",
				"IsInstall": true, "IsUpgrade": false, "Revision": 1,
			},
			"Capabilities": map[string]interface{}{
				"APIVersions": Versions{"v1", "apps/v1", "batch/v1"},
				"KubeVersion": map[string]interface{}{
					"Version": "v1.27.0", "Major": "1", "Minor": "27"},
			},
			"Template": map[string]interface{}{
				"Name": source, "BasePath": path.Join(chart, "templates")},
		}
		text, err := execute(root, source, context)
		if err != nil {
			return nil, fmt.Errorf("execution error: %w", err)
		}
		rendered[source] = text
	}
	return rendered, nil
}

func execute(root *template.Template, name string, data interface{}) (string, error) {
	var out strings.Builder
	err := root.ExecuteTemplate(&out, name, data)
	return strings.ReplaceAll(out.String(), "<no value>", ""), err
}

// What Helm gives to templates beyond text/template's own.
func functions(root *template.Template) template.FuncMap {
	all := sprig.TxtFuncMap()
	delete(all, "env")
	delete(all, "expandenv")
	all["include"] = func(name string, data interface{}) (string, error) {
		return execute(root, name, data)
	}
	all["tpl"] = func(text string, data interface{}) (string, error) {
		copied, err := root.Clone()
		if err != nil {
			return "", err
		}
		if _, err := copied.New("tpl").Parse(text); err != nil {
			return "", err
		}
		return execute(copied, "tpl", data)
	}
	all["required"] = func(problem string, value interface{}) (interface{}, error) {
		if text, isText := value.(string); value == nil || isText && text == "" {
			return nil, fmt.Errorf("%s", problem)
		}
		return value, nil
	}
	all["lookup"] = func(...string) map[string]interface{} { return map[string]interface{}{} }
	all["toYaml"] = func(value interface{}) string {
		text, err := yaml.Marshal(value)
		if err != nil {
			return ""
		}
		return strings.TrimSuffix(string(text), "\n")
	}
	all["toJson"] = func(value interface{}) string {
		text, err := json.Marshal(value)
		if err != nil {
			return ""
		}
		return string(text)
	}
	all["fromYaml"] = func(text string) map[string]interface{} {
		content := map[string]interface{}{}
		if err := yaml.Unmarshal([]byte(text), &content); err != nil {
			content["Error"] = err.Error()
		}
		return content
	}
	all["fromYamlArray"] = func(text string) []interface{} {
		content := []interface{}{}
		if err := yaml.Unmarshal([]byte(text), &content); err != nil {
			content = []interface{}{err.Error()}
		}
		return content
	}
	return all
}
