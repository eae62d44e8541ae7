// render: as `helm template` as our chart needs it, for machines without Helm. A test tool: no
// subcharts, no cluster, no library of Helm's.
//
// usage: render template RELEASE CHART [-n NAMESPACE] [-f FILE]... [--set a.b=c]... [--notes]
// Standard output: the manifests in Helm's order, hooks last; with --notes what Helm prints after
// an install. Exit 1, with Helm's words, if a value breaks the schema or a template fails.
package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"

	"github.com/xeipuuv/gojsonschema"
	"sigs.k8s.io/yaml"
)

type options struct {
	release, chart, namespace string
	files, sets               []string
	notes                     bool
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	wish, err := parse(arguments)
	if err != nil {
		return err
	}
	about, err := readYaml(filepath.Join(wish.chart, "Chart.yaml"))
	if err != nil {
		return err
	}
	values, err := readYaml(filepath.Join(wish.chart, "values.yaml"))
	if err != nil {
		return err
	}
	for _, file := range wish.files {
		more, err := readYaml(file)
		if err != nil {
			return err
		}
		overlay(values, more)
	}
	for _, each := range wish.sets {
		if err := setValue(values, each); err != nil {
			return fmt.Errorf("failed parsing --set data: %w", err)
		}
	}
	// As Helm has it: numbers as JSON has them, whoever wrote them.
	if values, err = throughYaml(values); err != nil {
		return err
	}
	if err := checkSchema(wish.chart, about["name"].(string), values); err != nil {
		return err
	}
	rendered, err := renderAll(wish, about, values)
	if err != nil {
		return err
	}
	if wish.notes {
		fmt.Println(strings.TrimSpace(rendered[path.Join(about["name"].(string), "templates/NOTES.txt")]))
		return nil
	}
	return printManifests(rendered)
}

func parse(arguments []string) (options, error) {
	wish := options{namespace: "default"}
	var places []string
	for i := 0; i < len(arguments); i++ {
		name := arguments[i]
		if name == "--notes" {
			wish.notes = true
			continue
		}
		if !strings.HasPrefix(name, "-") {
			places = append(places, name)
			continue
		}
		if i++; i == len(arguments) {
			return wish, fmt.Errorf("flag needs an argument: %s", name)
		}
		switch name {
		case "-n", "--namespace":
			wish.namespace = arguments[i]
		case "-f", "--values":
			wish.files = append(wish.files, arguments[i])
		case "--set":
			wish.sets = append(wish.sets, arguments[i])
		default:
			return wish, fmt.Errorf("unknown flag: %s", name)
		}
	}
	if len(places) != 3 || places[0] != "template" {
		return wish, fmt.Errorf("usage: render template RELEASE CHART [-n NAMESPACE] [-f FILE]..." +
			" [--set a.b=c]... [--notes]")
	}
	wish.release, wish.chart = places[1], places[2]
	return wish, nil
}

func readYaml(file string) (map[string]interface{}, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	content := map[string]interface{}{}
	if err := yaml.Unmarshal(text, &content); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return content, nil
}

func throughYaml(values map[string]interface{}) (map[string]interface{}, error) {
	text, err := yaml.Marshal(values)
	if err != nil {
		return nil, err
	}
	again := map[string]interface{}{}
	return again, yaml.Unmarshal(text, &again)
}

// Maps are merged, everything else replaced; null takes a default away.
func overlay(values, more map[string]interface{}) {
	for name, wanted := range more {
		below, isMap := wanted.(map[string]interface{})
		there, wasMap := values[name].(map[string]interface{})
		switch {
		case wanted == nil:
			delete(values, name)
		case isMap && wasMap:
			overlay(there, below)
		default:
			values[name] = wanted
		}
	}
}

// One --set: a.b=value, with a list as {x,y}; what looks like a number or a truth value is one.
func setValue(values map[string]interface{}, text string) error {
	where, what, found := strings.Cut(text, "=")
	if !found {
		return fmt.Errorf("key %q has no value", text)
	}
	names := strings.Split(where, ".")
	for _, name := range names[:len(names)-1] {
		below, isMap := values[name].(map[string]interface{})
		if !isMap {
			below = map[string]interface{}{}
			values[name] = below
		}
		values = below
	}
	var value interface{} = what
	if strings.HasPrefix(what, "{") && strings.HasSuffix(what, "}") {
		list := []interface{}{}
		for _, each := range strings.Split(strings.Trim(what, "{}"), ",") {
			if each != "" {
				list = append(list, scalar(each))
			}
		}
		value = list
	} else {
		value = scalar(what)
	}
	values[names[len(names)-1]] = value
	return nil
}

func scalar(text string) interface{} {
	var value interface{}
	if err := yaml.Unmarshal([]byte(text), &value); err == nil {
		switch value.(type) {
		case bool, float64:
			return value
		case nil:
			if text != "" {
				return nil
			}
		}
	}
	return text
}

func checkSchema(chart, name string, values map[string]interface{}) error {
	schema, err := os.ReadFile(filepath.Join(chart, "values.schema.json"))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	result, err := gojsonschema.Validate(gojsonschema.NewBytesLoader(schema),
		gojsonschema.NewGoLoader(values))
	if err != nil {
		return fmt.Errorf("values.schema.json: %w", err)
	}
	if result.Valid() {
		return nil
	}
	lines := []string{"values don't meet the specifications of the schema(s) " +
		"in the following chart(s):", name + ":"}
	for _, problem := range result.Errors() {
		lines = append(lines, "- "+problem.String())
	}
	return fmt.Errorf("%s\n", strings.Join(lines, "\n"))
}

// The order in which Helm installs; what is not here comes after, by name.
var order = []string{"NetworkPolicy", "PodDisruptionBudget", "ServiceAccount", "Secret",
	"ConfigMap", "Service", "Deployment", "Job", "Ingress"}

type manifest struct {
	source, text, kind, name string
	hook                     bool
}

func (m manifest) rank() int {
	for place, kind := range order {
		if kind == m.kind {
			return place
		}
	}
	return len(order)
}

func printManifests(rendered map[string]string) error {
	var all []manifest
	for source, text := range rendered {
		if strings.HasPrefix(path.Base(source), "_") || path.Base(source) == "NOTES.txt" {
			continue
		}
		for _, document := range strings.Split("\n"+text, "\n---") {
			content := map[string]interface{}{}
			if err := yaml.Unmarshal([]byte(document), &content); err != nil {
				return fmt.Errorf("YAML parse error on %s: %w", source, err)
			}
			if len(content) == 0 {
				continue
			}
			about, _ := content["metadata"].(map[string]interface{})
			annotations, _ := about["annotations"].(map[string]interface{})
			kind, _ := content["kind"].(string)
			name, _ := about["name"].(string)
			_, hook := annotations["helm.sh/hook"]
			all = append(all, manifest{source, strings.TrimSpace(document), kind, name, hook})
		}
	}
	sort.SliceStable(all, func(i, j int) bool {
		a, b := all[i], all[j]
		if a.hook != b.hook {
			return b.hook
		}
		if a.rank() != b.rank() {
			return a.rank() < b.rank()
		}
		return a.kind+a.name < b.kind+b.name
	})
	for _, each := range all {
		fmt.Printf("---\n# Source: %s\n%s\n", each.source, each.text)
	}
	return nil
}
