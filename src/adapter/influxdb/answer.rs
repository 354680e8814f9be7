//! Answers of queries as one table: the JSON of InfluxQL and the CSV of Flux. Pure.

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::client::Failure;
use crate::csv;

/// Rows of one answer.
const ROWS_MAX: usize = 100_000;

/// Rows, each with the columns that it has.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Table {
    pub(crate) rows: Vec<Map<String, Json>>,
}

#[derive(Deserialize)]
struct Whole {
    #[serde(default)]
    results: Vec<OfStatement>,
    #[serde(default)]
    error: Option<String>,
}

#[derive(Deserialize)]
struct OfStatement {
    #[serde(default)]
    series: Vec<Series>,
    #[serde(default)]
    error: Option<String>,
    /// The server has kept rows back.
    #[serde(default)]
    partial: bool,
}

#[derive(Deserialize)]
struct Series {
    #[serde(default)]
    tags: Map<String, Json>,
    #[serde(default)]
    columns: Vec<String>,
    #[serde(default)]
    values: Vec<Vec<Json>>,
    #[serde(default)]
    partial: bool,
}

/// The answer to InfluxQL: the series of all statements, one after the other.
pub(crate) fn of_influxql(body: &[u8]) -> Result<Table, Failure> {
    let wrong = |why: &str| Failure::Body(format!("the answer is no JSON of a query: {why}"));
    // A list would be read as the members of the object, in their order.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(wrong("it is no object"));
    }
    let whole: Whole = serde_json::from_slice(body).map_err(|error| wrong(&error.to_string()))?;
    if let Some(error) = whole.error {
        return Err(Failure::Refused(error));
    }
    let mut table = Table::default();
    for result in whole.results {
        if let Some(error) = result.error {
            return Err(Failure::Refused(error));
        }
        let is_partial = result.partial || result.series.iter().any(|series| series.partial);
        if is_partial {
            return Err(Failure::Body("the server has left rows out".into()));
        }
        for series in result.series {
            for values in series.values {
                if values.len() != series.columns.len() || table.rows.len() >= ROWS_MAX {
                    return Err(Failure::Body("a row has other columns than told".into()));
                }
                let mut row = series.tags.clone();
                row.extend(series.columns.iter().cloned().zip(values));
                table.rows.push(row);
            }
        }
    }
    Ok(table)
}

/// The answer to Flux: annotated CSV, its tables one after the other.
pub(crate) fn of_flux(body: &[u8]) -> Result<Table, Failure> {
    let text =
        std::str::from_utf8(body).map_err(|_| Failure::Body("the answer is no text".into()))?;
    let wrong = |what: &str| Failure::Body(format!("the answer is no annotated CSV: {what}"));
    let mut table = Table::default();
    let (mut types, mut defaults, mut names) = (Vec::new(), Vec::new(), Vec::new());
    let mut is_error = false;
    for record in csv::records(text) {
        let record = record.map_err(|_| wrong("a quote never ends"))?;
        let first = record.first().map(String::as_str).unwrap_or_default();
        match first {
            _ if record.len() == 1 && first.is_empty() => names.clear(),
            "#datatype" => {
                (types, names) = (record, Vec::new());
            }
            "#default" => defaults = record,
            _ if first.starts_with('#') => {}
            _ if names.is_empty() => {
                is_error = record.iter().any(|name| name == "error");
                names = record;
            }
            _ if is_error => {
                let at = names.iter().position(|name| name == "error");
                let said = at
                    .and_then(|at| record.get(at))
                    .cloned()
                    .unwrap_or_default();
                return Err(Failure::Refused(said));
            }
            _ => {
                if record.len() != names.len() || table.rows.len() >= ROWS_MAX {
                    return Err(wrong("a row has other columns than told"));
                }
                let mut row = Map::new();
                for (at, (name, said)) in names.iter().zip(&record).enumerate() {
                    // Annotations, and where the server has put the row.
                    if at == 0 || name == "result" || name == "table" {
                        continue;
                    }
                    let default = defaults.get(at).map(String::as_str).unwrap_or_default();
                    let said = if said.is_empty() { default } else { said };
                    let of = types.get(at).map(String::as_str).unwrap_or_default();
                    let value =
                        cell(of, said).ok_or_else(|| wrong("a value is not of its type"))?;
                    row.insert(name.clone(), value);
                }
                table.rows.push(row);
            }
        }
    }
    Ok(table)
}

fn cell(of: &str, said: &str) -> Option<Json> {
    if said.is_empty() {
        return Some(match of {
            "string" => "".into(),
            _ => Json::Null,
        });
    }
    Some(match of {
        "long" => said.parse::<i64>().ok()?.into(),
        "unsignedLong" => said.parse::<u64>().ok()?.into(),
        "double" => match said.parse::<f64>().ok()? {
            number if number.is_finite() => number.into(),
            number if number.is_nan() => "NaN".into(),
            number if number > 0.0 => "Infinity".into(),
            _ => "-Infinity".into(),
        },
        "boolean" => said.parse::<bool>().ok()?.into(),
        _ => said.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rows(table: Result<Table, Failure>) -> Json {
        table.unwrap().rows.into_iter().map(Json::Object).collect()
    }

    #[test]
    fn series_become_rows() {
        let body = json!({"results": [{"statement_id": 0, "series": [
            {"name": "m", "tags": {"line": "1"}, "columns": ["time", "v"],
             "values": [["2026-01-02T03:04:05Z", 5], ["2026-01-02T03:04:06Z", null]]},
            {"name": "m", "tags": {"line": "2"}, "columns": ["time", "v"], "values": []},
        ]}]});
        let wanted = json!([
            {"line": "1", "time": "2026-01-02T03:04:05Z", "v": 5},
            {"line": "1", "time": "2026-01-02T03:04:06Z", "v": null},
        ]);
        assert_eq!(rows(of_influxql(body.to_string().as_bytes())), wanted);
        assert_eq!(rows(of_influxql(b"{\"results\":[{}]}")), json!([]));
    }

    #[test]
    fn what_the_server_refuses_is_told_in_its_words() {
        for body in [
            r#"{"error":"error parsing query"}"#,
            r#"{"results":[{"error":"error parsing query"}]}"#,
        ] {
            let told = of_influxql(body.as_bytes());
            assert_eq!(told, Err(Failure::Refused("error parsing query".into())));
        }
        let csv = "error,reference\r\nFailed to parse query,897\r\n";
        let told = of_flux(csv.as_bytes());
        assert_eq!(told, Err(Failure::Refused("Failed to parse query".into())));
    }

    #[test]
    fn nonsense_is_refused() {
        for body in [
            "",
            "[]",
            "{\"results\":[{\"series\":[{\"columns\":[\"a\"],\"values\":[[1,2]]}]}]}",
            "{\"results\":[{\"partial\":true}]}",
        ] {
            assert!(
                matches!(of_influxql(body.as_bytes()), Err(Failure::Body(_))),
                "{body}"
            );
        }
        for body in [
            "#datatype,string,long,long\n,result,table,v\n,_result,0,x\n",
            "#datatype,string\n,a\n,1,2\n",
            "a\n\"b",
            "\u{0}\n\u{0},1",
        ] {
            assert!(
                matches!(of_flux(body.as_bytes()), Err(Failure::Body(_))),
                "{body}"
            );
        }
    }

    /// The example of the specification of annotated CSV, with two tables of other columns.
    #[test]
    fn annotated_csv_becomes_rows() {
        let csv = "#datatype,string,long,dateTime:RFC3339,double,string\r\n\
            #group,false,false,false,false,true\r\n\
            #default,_result,,,,\r\n\
            ,result,table,_time,_value,line\r\n\
            ,,0,2026-01-02T03:04:05Z,1.5,\"a,\"\"b\"\"\"\r\n\
            ,,0,2026-01-02T03:04:06Z,,a\r\n\r\n\
            #datatype,string,long,long,boolean,unsignedLong\r\n\
            #group,false,false,false,false,false\r\n\
            #default,_result,,,,7\r\n\
            ,result,table,_value,ok,n\r\n\
            ,,1,-9007199254740993,true,\r\n";
        let wanted = json!([
            {"_time": "2026-01-02T03:04:05Z", "_value": 1.5, "line": "a,\"b\""},
            {"_time": "2026-01-02T03:04:06Z", "_value": null, "line": "a"},
            {"_value": -9_007_199_254_740_993_i64, "ok": true, "n": 7},
        ]);
        assert_eq!(rows(of_flux(csv.as_bytes())), wanted);
        assert_eq!(rows(of_flux(b"\r\n")), json!([]));
    }
}
